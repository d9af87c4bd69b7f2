package demo

import (
	"strconv"
	"strings"
)

// prop is one property of an event: a word out of several, or a number out of a
// range.
type prop struct {
	prefix string // ,"name":
	words  []string
	lo, n  int
}

// compileProps reads "format=pdf|csv; pages=1..40".
func compileProps(text string) []prop {
	if text == "" {
		return nil
	}
	var props []prop
	for part := range strings.SplitSeq(text, "; ") {
		name, values, _ := strings.Cut(part, "=")
		p := prop{prefix: `,"` + name + `":`}
		if lo, hi, isRange := strings.Cut(values, ".."); isRange {
			p.lo, p.n = number(lo), number(hi)-number(lo)+1
		} else {
			p.words = quoted(strings.Split(values, "|"))
		}
		props = append(props, p)
	}
	return props
}

// append writes the property; the roll decides which value.
func (p *prop) append(b []byte, roll uint32) []byte {
	b = append(b, p.prefix...)
	if p.n > 0 {
		return strconv.AppendInt(b, int64(p.lo)+int64(uint64(roll)*uint64(p.n)>>32), 10)
	}
	return append(b, p.words[uint64(roll)*uint64(len(p.words))>>32]...)
}

// quoted makes JSON strings of words, which hold nothing that needs escaping; the
// tests parse them all.
func quoted(words []string) []string {
	for i, w := range words {
		words[i] = `"` + w + `"`
	}
	return words
}
