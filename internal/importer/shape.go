package importer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// shaper turns rows into drafts.
type shaper interface {
	draft(r row) (draft, *fault.Error)
}

// columns is the shape of CSV: each column goes where its header says.
type columns struct {
	targets []target
	header  []string
	asText  bool // whether every property stays a text
}

var errNameless = fault.Input("row", "A value stands in a column without a name.")

func (c columns) draft(r row) (d draft, problem *fault.Error) {
	for i, text := range r.fields {
		if text == "" || c.targets[i].field == "" {
			continue
		}
		if c.header[i] == "" {
			return d, errNameless
		}
		if problem := c.put(&d, c.targets[i], text); problem != nil {
			return d, problem.In(c.header[i])
		}
	}
	return d, d.asSegment()
}

func (c columns) put(d *draft, t target, text string) *fault.Error {
	if field := d.text(t.field); field != nil {
		*field = text
		return nil
	}
	o := d.object(t.field)
	if t.name == "" {
		return o.addAll(jsontext.Value(text))
	}
	value, problem := quote(text)
	if problem == nil && !c.asText {
		value, problem = typed(text)
	}
	if problem != nil {
		return problem
	}
	return o.add(t.name, value)
}

// asSegment puts the account and the traits where Segment has them: beside the event if it
// is about them, and otherwise in its context.
func (d *draft) asSegment() *fault.Error {
	kind := strings.ToLower(strings.TrimSpace(d.kind))
	if d.groupID != "" && kind != "group" {
		id, problem := quote(d.groupID)
		if problem != nil {
			return problem
		}
		if problem := d.context.add("groupId", id); problem != nil {
			return problem
		}
		d.groupID = ""
	}
	if len(d.traits) > 0 && kind != "group" && kind != "identify" {
		if problem := d.context.add("traits", jsontext.Value(d.traits)); problem != nil {
			return problem
		}
		d.traits = nil
	}
	if (kind == "page" || kind == "screen") && d.name == "" {
		d.name, d.event = d.event, ""
	}
	return nil
}

// objectsByLine is the shape of NDJSON: each line is in one of several shapes by itself.
type objectsByLine struct {
	mapping Mapping
	clock   clock

	header  []string // of the flat line before, which most lines share
	targets []target
}

// Names that only the flat shape has: that of warehouses, and of tables written as JSON.
var flatNames = []string{"user_id", "anonymous_id", "message_id", "account_id", "group_id", "event_name", "occurred_at", "created_at", "userid"}

func (o *objectsByLine) draft(r row) (draft, *fault.Error) {
	if !utf8.Valid(r.raw) {
		return draft{}, errUTF8
	}
	members, problem := membersOf(r.raw)
	if problem != nil {
		return draft{}, problem
	}
	has := func(name string) bool {
		return slices.ContainsFunc(members, func(m member) bool { return m.name == name })
	}
	switch {
	case len(o.mapping) > 0:
		return o.flat(members)
	case has("distinct_id"):
		return posthog(members)
	case has("userId") || has("anonymousId") || has("messageId"):
		return segment(members, o.clock)
	case slices.ContainsFunc(flatNames, has):
		return o.flat(members)
	}
	return segment(members, o.clock)
}

// flat reads an object as a row of a table.
func (o *objectsByLine) flat(members []member) (d draft, problem *fault.Error) {
	header := make([]string, len(members))
	for i, m := range members {
		if header[i] = m.name; slices.Contains(header[:i], m.name) {
			return d, twice(m.name)
		}
	}
	if !slices.Equal(header, o.header) {
		o.header, o.targets = header, o.mapping.targets(header)
	}
	for i, t := range o.targets {
		if members[i].value.Kind() == 'n' || t.field == "" {
			continue
		}
		if problem := d.put(t, members[i].value); problem != nil {
			return d, problem.In(header[i])
		}
	}
	return d, d.asSegment()
}

func twice(name string) *fault.Error { return fault.Input(name, "The name occurs twice.") }

var errText = fault.Input("row", "A text or a number is needed.")

// put puts a JSON value where it belongs.
func (d *draft) put(t target, value jsontext.Value) *fault.Error {
	if field := d.text(t.field); field != nil {
		text, ok := plainText(value)
		if !ok {
			return errText
		}
		*field = text
		return nil
	}
	if t.name != "" {
		return d.object(t.field).add(t.name, value)
	}
	if value.Kind() == '"' { // an object that a warehouse holds as text
		text, _ := plainText(value)
		value = jsontext.Value(text)
	}
	return d.object(t.field).addAll(value)
}
