package gqlhttp

import (
	"mime"
	"strconv"
	"strings"
)

// format is what a response is written as.
type format int

const (
	formatNone     format = iota // nothing that we can write
	formatStream                 // text/event-stream
	formatResponse               // application/graphql-response+json
	formatJSON                   // application/json, for clients that know no better
)

var contentTypes = map[format]string{
	formatNone:     "application/json; charset=utf-8", // an error must be written as something
	formatStream:   "application/json; charset=utf-8", // an error before the stream
	formatResponse: "application/graphql-response+json; charset=utf-8",
	formatJSON:     "application/json; charset=utf-8",
}

// formats are in order of preference among those that a client named with equal
// weight.
var formats = []struct {
	format format
	typ    string
}{
	{formatResponse, "application/graphql-response+json"},
	{formatJSON, "application/json"},
	{formatStream, "text/event-stream"},
}

// negotiate chooses the format that the Accept headers like best, or formatNone
// for a 406 ([HTTP] 5.1). Without the header, and where a wildcard leaves the
// choice to us, it is application/json: [HTTP] 4.2 allows any, and the audits
// 47DE and 80D8 ask for this one.
func negotiate(accept []string) format {
	ranges := parseAccept(accept)
	if len(accept) == 0 || strings.TrimSpace(strings.Join(accept, "")) == "" {
		return formatJSON
	}
	best, rank := formatNone, mediaRank{}
	for _, f := range formats {
		r := rankOf(f.typ, ranges)
		r.legacy = f.format == formatJSON && r.specificity < 3
		if r.quality > 0 && r.above(rank) {
			best, rank = f.format, r
		}
	}
	return best
}

// mediaRange is one element of an Accept header (RFC 9110, 12.5.1).
type mediaRange struct {
	typ     string // "application/json", "application/*" or "*/*"
	quality float64
}

// mediaRank orders formats: by weight, then by how precisely they were named.
type mediaRank struct {
	quality     float64
	specificity int  // 3 named, 2 "application/*", 1 "*/*"
	legacy      bool // preferred among those matched by a wildcard
}

func (r mediaRank) above(other mediaRank) bool {
	if r.quality != other.quality {
		return r.quality > other.quality
	}
	if r.specificity != other.specificity {
		return r.specificity > other.specificity
	}
	return r.legacy && !other.legacy
}

// rankOf finds the most specific range that matches typ: it alone sets the
// weight, so "application/json;q=0, */*" refuses JSON.
func rankOf(typ string, ranges []mediaRange) (best mediaRank) {
	for _, r := range ranges {
		if s := specificity(r.typ, typ); s > 0 && s >= best.specificity {
			best = mediaRank{quality: r.quality, specificity: s}
		}
	}
	return best
}

func specificity(pattern, typ string) int {
	major, _, _ := strings.Cut(typ, "/")
	switch pattern {
	case typ:
		return 3
	case major + "/*":
		return 2
	case "*/*":
		return 1
	}
	return 0
}

// parseAccept skips what is malformed, and what asks for a charset other than
// UTF-8 ([HTTP] 3.1).
func parseAccept(headers []string) (ranges []mediaRange) {
	for element := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		typ, params, err := mime.ParseMediaType(strings.TrimSpace(element))
		if err != nil || !isUTF8(params) {
			continue
		}
		quality := 1.0
		if q, ok := params["q"]; ok {
			if quality, err = strconv.ParseFloat(q, 64); err != nil || quality < 0 || quality > 1 {
				continue
			}
		}
		ranges = append(ranges, mediaRange{typ, quality})
	}
	return ranges
}

// isUTF8 tells whether a media type's parameters name UTF-8, or no charset, which
// means the same ([HTTP] 3.1).
func isUTF8(params map[string]string) bool {
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}
