package event

import (
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// message is one call in Segment's shape.
type message struct {
	Incoming
	kind     string
	name     string // of a page or screen
	category string // of a page or screen
	original time.Time
	seen     uint64 // which members there were
}

// callFields are the members of a call that are read.
var callFields = []field[message]{
	{"type", func(m *message, v []byte) (p *fault.Error) {
		if !isNone(v) {
			m.kind, p = readText(v)
		}
		return p
	}},
	{"event", func(m *message, v []byte) (p *fault.Error) { m.Type, p = readText(v); return p }},
	{"name", func(m *message, v []byte) (p *fault.Error) { m.name, p = readText(v); return p }},
	{"category", func(m *message, v []byte) (p *fault.Error) { m.category, p = readText(v); return p }},
	{"userId", func(m *message, v []byte) (p *fault.Error) { m.UserID, p = readID(v); return p }},
	{"anonymousId", func(m *message, v []byte) (p *fault.Error) { m.AnonymousID, p = readID(v); return p }},
	{"previousId", func(m *message, v []byte) (p *fault.Error) { m.PreviousID, p = readID(v); return p }},
	{"groupId", func(m *message, v []byte) (p *fault.Error) { m.GroupID, p = readID(v); return p }},
	{"messageId", func(m *message, v []byte) (p *fault.Error) { m.MessageID, p = readText(v); return p }},
	{"timestamp", func(m *message, v []byte) (p *fault.Error) { m.Timestamp, p = readInstant(v); return p }},
	{"originalTimestamp", func(m *message, v []byte) (p *fault.Error) { m.original, p = readInstant(v); return p }},
	{"sentAt", func(m *message, v []byte) (p *fault.Error) { m.SentAt, p = readInstant(v); return p }},
	{"properties", func(m *message, v []byte) *fault.Error { m.Properties = v; return nil }},
	{"traits", func(m *message, v []byte) *fault.Error { m.Traits = v; return nil }},
	{"context", func(m *message, v []byte) *fault.Error { m.Context = v; return nil }},
}

// passedOver are the members that senders add and that carry nothing to count.
var passedOver = map[string]bool{
	"integrations": true, "writeKey": true, "channel": true, "version": true, "receivedAt": true,
	"projectId": true, "options": true, "rudderId": true, "userProperties": true, "request_ip": true,
}

// isPassedOver holds for members that nothing reads: those known, and those that a sender
// marks as its own.
func isPassedOver(name string) bool { return passedOver[name] || strings.HasPrefix(name, "_") }

func decodeItem(raw []byte, defaults batchDefaults) Item {
	m := message{kind: defaults.kind}
	return readItem(raw, "messageId", &m.Incoming, m.member, func() *fault.Error { return m.settle(defaults) })
}

// member takes one member of a call.
func (m *message) member(quoted, value []byte) *fault.Error {
	name, problem := readText(quoted)
	if problem != nil {
		return problem.In("event")
	}
	if known, problem := readField(callFields, m, &m.seen, name, value); known {
		return problem
	}
	return passOver(name, value, isPassedOver(name))
}

// settle fills in what the item leaves to its batch, and checks the whole.
func (m *message) settle(defaults batchDefaults) *fault.Error {
	if m.Timestamp.IsZero() {
		m.Timestamp = m.original
	}
	if m.SentAt.IsZero() {
		m.SentAt = defaults.sentAt
	}
	around := m.Context
	if len(around) == 0 {
		around = defaults.context.text
	}
	if problem := m.settleType(around); problem != nil {
		return problem
	}
	m.settleGroup(around)
	if problem := m.checkFields(); problem != nil {
		return problem
	}
	context := defaults.context
	if len(m.Context) > 0 || context.text == nil {
		var problem *fault.Error
		if context, problem = sealObject("context", m.Context, false); problem != nil {
			return problem
		}
	}
	return m.complete(context)
}

// settleType names the event: a tracked one by its own name, any other by what it is. Traits
// are set by identify and group alone: what other calls have of them is a copy.
func (m *message) settleType(context []byte) *fault.Error {
	traits := m.Traits
	m.Traits = nil
	switch m.kind {
	case "track":
	case "page", "screen":
		m.Type = "$" + m.kind
		return m.addNames()
	case "identify":
		m.Type, m.Traits = Identify, traits
		if isNone(traits) {
			m.Traits = memberOf(context, "traits")
		}
	case "group":
		m.Type, m.Traits = Group, traits
	case "alias":
		m.Type = Alias
		if m.PreviousID == "" {
			m.PreviousID = m.AnonymousID
		}
	case "":
		return fault.Input("type", "An item of a batch needs a type: track, page, screen, identify, group or alias.")
	default:
		return fault.Input("type", "The types are track, page, screen, identify, group and alias.")
	}
	return nil
}

// settleGroup finds the group of a call in its context, where the call names none itself.
// What is no id there says nothing, and stays where it is.
func (m *message) settleGroup(context []byte) {
	if m.GroupID != "" || m.kind == "group" {
		return
	}
	if id := memberOf(context, "groupId"); len(id) > 0 {
		m.GroupID, _ = readID(id)
	}
}

// addNames puts the name and the category of a page among its properties, unless they have
// them.
func (m *message) addNames() *fault.Error {
	for _, own := range []struct{ name, value string }{{"category", m.category}, {"name", m.name}} {
		if own.value == "" {
			continue
		}
		has := false
		if !isNone(m.Properties) {
			problem := (&scanner{data: m.Properties}).object(func(quoted, _ []byte) *fault.Error {
				name, problem := readText(quoted)
				has = has || name == own.name
				return problem
			})
			if problem != nil {
				return problem.In("properties")
			}
		}
		if !has {
			m.Properties = withMember(own.name, asJSON(own.value), m.Properties)
		}
	}
	return nil
}
