package importer

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// draft is an event in Segment's shape, as far as it has been read.
type draft struct {
	kind, event, name               string
	userID, anonymousID, previousID string
	groupID, messageID              string
	timestamp                       string
	properties, context, traits     object
	extra                           []member // what the server is to judge

	at time.Time
}

// text gives the field of a name; nil if it is not one of text.
func (d *draft) text(field string) *string {
	switch field {
	case "type":
		return &d.kind
	case "event":
		return &d.event
	case "name":
		return &d.name
	case "userId":
		return &d.userID
	case "anonymousId":
		return &d.anonymousID
	case "previousId":
		return &d.previousID
	case "groupId":
		return &d.groupID
	case "messageId":
		return &d.messageID
	case "timestamp":
		return &d.timestamp
	}
	return nil
}

// object gives the object of a name; nil if it is none.
func (d *draft) object(field string) *object {
	switch field {
	case "properties":
		return &d.properties
	case "context":
		return &d.context
	case "traits":
		return &d.traits
	}
	return nil
}

// settings say what is done about what a row leaves open.
type settings struct {
	event      string // the name of events that have none
	clock      clock
	arrivalFor bool // whether a row without a time is as of its arrival
}

var (
	errNoTime = fault.Input("timestamp", "The row has no time. --arrival-time imports it as of now.")
	errSize   = fault.Newf(fault.TooLarge, "An event has at most %d bytes.", event.MaxEventBytes).In("event")
)

// settle fills in what the row leaves open.
func (d *draft) settle(s settings) (problem *fault.Error) {
	d.kind = strings.ToLower(strings.TrimSpace(d.kind))
	if d.kind == "" {
		d.kind = "track"
	}
	if d.event == "" && d.kind == "track" {
		d.event = s.event
	}
	switch {
	case d.timestamp != "":
		d.at, problem = s.clock.read(d.timestamp)
	case d.at.IsZero() && !s.arrivalFor:
		problem = errNoTime
	}
	return problem
}

// encode writes the event as JSON, under the id that its content is given if it has none.
func (d *draft) encode(ids *identity, line int64) ([]byte, *fault.Error) {
	var o object
	if d.messageID == "" {
		content, problem := d.body(nil)
		if problem != nil {
			return nil, problem
		}
		if d.messageID, problem = ids.next(content, line); problem != nil {
			return nil, problem
		}
	}
	id, problem := quote(d.messageID)
	if problem != nil {
		return nil, problem
	}
	if problem := o.add("messageId", id); problem != nil {
		return nil, problem
	}
	if o, problem = d.body(o); problem == nil && len(o) > event.MaxEventBytes {
		problem = errSize
	}
	return o, problem
}

// body adds all but the id.
func (d *draft) body(o object) (object, *fault.Error) {
	instant := ""
	if !d.at.IsZero() {
		instant = d.at.UTC().Format(time.RFC3339Nano)
	}
	texts := []struct{ name, text string }{
		{"type", d.kind}, {"event", d.event}, {"name", d.name}, {"userId", d.userID}, {"anonymousId", d.anonymousID},
		{"previousId", d.previousID}, {"groupId", d.groupID}, {"timestamp", instant},
	}
	for _, t := range texts {
		if t.text == "" {
			continue
		}
		quoted, problem := quote(t.text)
		if problem == nil {
			problem = o.add(t.name, quoted)
		}
		if problem != nil {
			return nil, problem.In(t.name)
		}
	}
	members := append([]member{
		{"properties", jsontext.Value(d.properties)}, {"context", jsontext.Value(d.context)}, {"traits", jsontext.Value(d.traits)},
	}, d.extra...)
	for _, m := range members {
		if len(m.value) == 0 {
			continue
		}
		if problem := o.add(m.name, m.value); problem != nil {
			return nil, problem
		}
	}
	return o, nil
}
