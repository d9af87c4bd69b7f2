package event

import (
	"bytes"
	"encoding/base64"
	"errors"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// CloudEvents are described by "CloudEvents - Version 1.0.2", its JSON format, and its HTTP
// protocol binding.

// cloudEvent is one event in CloudEvents' shape.
type cloudEvent struct {
	Incoming
	version, id, source, subject string
	data, binary                 []byte
	rest                         *newMembers // the attributes that have no place of their own
	seen                         uint64
}

// cloudFields are the attributes that are read.
var cloudFields = []field[cloudEvent]{
	{"specversion", func(c *cloudEvent, v []byte) (p *fault.Error) { c.version, p = readText(v); return p }},
	{"id", func(c *cloudEvent, v []byte) (p *fault.Error) { c.id, p = readText(v); return p }},
	{"source", func(c *cloudEvent, v []byte) (p *fault.Error) { c.source, p = readText(v); return p }},
	{"type", func(c *cloudEvent, v []byte) (p *fault.Error) { c.Type, p = readText(v); return p }},
	{"subject", func(c *cloudEvent, v []byte) (p *fault.Error) { c.subject, p = readText(v); return p }},
	{"time", func(c *cloudEvent, v []byte) (p *fault.Error) { c.Timestamp, p = readInstant(v); return p }},
	{"data", func(c *cloudEvent, v []byte) *fault.Error { c.data = v; return nil }},
	{"data_base64", func(c *cloudEvent, v []byte) *fault.Error { c.binary = v; return nil }},
	{"userid", func(c *cloudEvent, v []byte) (p *fault.Error) { c.UserID, p = readID(v); return p }},
	{"anonymousid", func(c *cloudEvent, v []byte) (p *fault.Error) { c.AnonymousID, p = readID(v); return p }},
	{"groupid", func(c *cloudEvent, v []byte) (p *fault.Error) { c.GroupID, p = readID(v); return p }},
	{"grouptype", func(c *cloudEvent, v []byte) (p *fault.Error) { c.GroupType, p = readText(v); return p }},
}

// cloudNames are what CloudEvents calls the fields of an event.
var cloudNames = map[string]string{
	"messageId": "id", "userId": "subject", "anonymousId": "anonymousid", "timestamp": "time",
	"groupId": "groupid", "groupType": "grouptype", "properties": "data", "traits": "data",
}

// DecodeCloudEvents reads events in structured mode: one, or a list of them. alone is true
// of one that comes by itself. The error, a fault, means that the body as a whole cannot be
// read.
func DecodeCloudEvents(body []byte) (items []Item, alone bool, err error) {
	if body = bytes.TrimSpace(body); len(body) > 0 && body[0] == '[' {
		items, err = decodeList(body, decodeCloudEvent)
		return items, false, err
	}
	if problem := wellFormed(body); problem != nil {
		return nil, false, problem
	}
	return []Item{decodeCloudEvent(body)}, true, nil
}

func decodeCloudEvent(raw []byte) Item {
	c := cloudEvent{rest: newObject(0)}
	return readItem(raw, "id", &c.Incoming, c.member, c.settle)
}

// member takes one attribute of an event. Those that are not known are extensions, so that a
// misspelt one can be told by its spelling alone.
func (c *cloudEvent) member(quoted, value []byte) *fault.Error {
	name, problem := readText(quoted)
	if problem != nil {
		return problem.In("event")
	}
	if known, problem := readField(cloudFields, c, &c.seen, name, value); problem != nil || known && name != "source" && name != "subject" {
		return problem
	}
	if !isAttribute(name) {
		return fault.Input(shortField(name), "The name of an attribute has lower-case letters and digits only.")
	}
	if !isNone(value) {
		c.rest.add(quoted, value)
	}
	return nil
}

func isAttribute(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// settle says in our words what the event says, and checks the whole.
func (c *cloudEvent) settle() *fault.Error {
	switch {
	case c.version != "1.0":
		return fault.Input("specversion", "The specversion is 1.0.")
	case c.id == "":
		return fault.Input("id", "An event needs an id.")
	case c.source == "" || !isReference(c.source):
		return fault.Input("source", "An event needs a source, which is a URI reference.")
	case c.Type == "":
		return fault.Input("type", "An event needs a type.")
	}
	if problem := checkText("type", c.Type); problem != nil {
		return problem
	}
	if c.UserID == "" && c.AnonymousID == "" {
		c.UserID = c.subject
	}
	if c.UserID == "" && c.AnonymousID == "" && c.Type != Group {
		return fault.Input("subject", "An event needs a subject, or one of the extensions userid and anonymousid.")
	}
	c.MessageID = cloudID(c.source, c.id)
	c.Context = c.rest.close()
	c.settleData()
	if problem := c.Check(); problem != nil {
		return renamed(problem, cloudNames)
	}
	return nil
}

// isReference reports whether a text may be a URI reference: those have no white space.
func isReference(text string) bool {
	_, err := url.Parse(text)
	return err == nil && !strings.ContainsAny(text, " \t\r\n")
}

// cloudID is the id of the message. CloudEvents' ids are their source's own, so that the
// source is a part of it; a source has no space, so that no two pairs make the same one.
func cloudID(source, id string) string {
	if whole := source + " " + id; utf8.RuneCountInString(whole) <= maxText {
		return whole
	}
	return uuid.NewSHA1(cloudSpace, []byte(source+" "+id)).String()
}

// cloudSpace is the name space of ids that would be too long.
var cloudSpace = uuid.MustParse("0a8e5f6e-37c9-4f5d-8a55-0e7a6f3a0c11")

// settleData makes properties of the data: an object as it is, anything else as the member
// data, and what is not text as data_base64.
func (c *cloudEvent) settleData() {
	switch {
	case !isNone(c.data) && c.data[0] == '{':
		c.Properties = c.data
	case !isNone(c.data):
		c.Properties = withMember("data", c.data, nil)
	}
	if !isNone(c.binary) {
		c.Properties = withMember("data_base64", c.binary, c.Properties)
	}
	if c.Type == Identify || c.Type == Group {
		c.Traits = c.Properties
	}
}

// IsBinaryCloudEvent reports whether a request's header has an event's attributes, so that
// its body is the data alone.
func IsBinaryCloudEvent(header map[string][]string) bool {
	return len(header["Ce-Specversion"]) > 0 && !strings.HasPrefix(mediaType(header), "application/cloudevents")
}

func mediaType(header map[string][]string) string {
	if types := header["Content-Type"]; len(types) > 0 {
		if media, _, err := mime.ParseMediaType(types[0]); err == nil {
			return media
		}
	}
	return ""
}

// DecodeBinaryCloudEvent reads an event in binary mode: it is written out as in structured
// mode, and read as that.
func DecodeBinaryCloudEvent(header map[string][]string, body []byte) (Item, error) {
	written := newObject(len(body))
	for _, name := range slices.Sorted(maps.Keys(header)) {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok {
			continue
		}
		for _, value := range header[name] { // a second one is a name that occurs twice
			text, err := decodePercent(value)
			if err != nil {
				return Item{}, fault.Input(shortField(attribute), "The attribute is not in UTF-8, percent-encoded.").Because(err)
			}
			written.add(asJSON(attribute), asJSON(text))
		}
	}
	media := mediaType(header)
	if media != "" {
		written.add(asJSON("datacontenttype"), asJSON(media))
	}
	if len(body) > 0 {
		name, value, problem := binaryData(media, body)
		if problem != nil {
			return Item{}, problem
		}
		written.add(asJSON(name), value)
	}
	return decodeCloudEvent(written.close()), nil
}

// decodePercent decodes an attribute of a header (HTTP protocol binding, section 3.1.3.2).
func decodePercent(value string) (string, error) {
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	text, err := url.PathUnescape(value)
	if err == nil && !utf8.ValidString(text) {
		err = errors.New("not UTF-8")
	}
	return text, err
}

// binaryData says how a body is written in structured mode: JSON as it is, text as a text,
// and anything else in base64.
func binaryData(media string, body []byte) (name string, value []byte, problem *fault.Error) {
	switch {
	case media == "" || media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json"):
		body = bytes.TrimSpace(body)
		if !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
			return "", nil, fault.Input("data", "The JSON is malformed.")
		}
		return "data", body, nil
	case strings.HasPrefix(media, "text/") && utf8.Valid(body):
		return "data", asJSON(string(body)), nil
	}
	return "data_base64", asJSON(base64.StdEncoding.EncodeToString(body)), nil
}
