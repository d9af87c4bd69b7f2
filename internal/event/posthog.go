package event

import (
	"bytes"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// What PostHog's clients send is described by its "Capture API" and by what its clients for
// Go, Node and browsers are seen to send.

// capture is one event in PostHog's shape. What it is about stands among its properties.
type capture struct {
	Incoming
	distinctID string
	set, once  []byte
	seen       uint64
	inside     inside
}

// inside is what the properties of an event say about it.
type inside struct {
	distinctID, device, anonymous string // ids: of whom, of the browser, and used before the user was known
	state                         string // $user_state
	identified                    []byte // $is_identified
	alias, groupType, groupKey    string
	groupSet, groups, set, once   []byte
	hasKey                        bool
}

// captureFields are the members of an event that are read.
var captureFields = []field[capture]{
	{"event", func(c *capture, v []byte) (p *fault.Error) { c.Type, p = readText(v); return p }},
	{"uuid", func(c *capture, v []byte) (p *fault.Error) { c.MessageID, p = readText(v); return p }},
	{"distinct_id", func(c *capture, v []byte) (p *fault.Error) { c.distinctID, p = readID(v); return p }},
	{"timestamp", func(c *capture, v []byte) (p *fault.Error) { c.Timestamp, p = readInstant(v); return p }},
	{"sent_at", func(c *capture, v []byte) (p *fault.Error) { c.SentAt, p = readInstant(v); return p }},
	{"properties", func(c *capture, v []byte) *fault.Error { c.Properties = v; return nil }},
	{"$set", func(c *capture, v []byte) *fault.Error { c.set = v; return nil }},
	{"$set_once", func(c *capture, v []byte) *fault.Error { c.once = v; return nil }},
}

// insideFields are the properties that are read. A text of another type is no text.
var insideFields = map[string]func(in *inside, value []byte){
	"distinct_id":       func(in *inside, v []byte) { in.distinctID, _ = readID(v) },
	"$device_id":        func(in *inside, v []byte) { in.device, _ = readID(v) },
	"$anon_distinct_id": func(in *inside, v []byte) { in.anonymous, _ = readID(v) },
	"$user_state":       func(in *inside, v []byte) { in.state, _ = readText(v) },
	"$is_identified":    func(in *inside, v []byte) { in.identified = v },
	"alias":             func(in *inside, v []byte) { in.alias, _ = readID(v) },
	"$group_type":       func(in *inside, v []byte) { in.groupType, _ = readText(v) },
	"$group_key":        func(in *inside, v []byte) { in.groupKey, _ = readID(v) },
	"$group_set":        func(in *inside, v []byte) { in.groupSet = v },
	"$groups":           func(in *inside, v []byte) { in.groups = v },
	"$set":              func(in *inside, v []byte) { in.set = v },
	"$set_once":         func(in *inside, v []byte) { in.once = v },
	"token":             func(in *inside, _ []byte) { in.hasKey = true },
}

// capturePassedOver are the members that clients add and that nothing reads.
var capturePassedOver = map[string]bool{
	"api_key": true, "token": true, "type": true, "library": true, "library_version": true, "send_feature_flags": true,
	"offset": true, "ip": true, "site_url": true, "now": true, "context": true, "messageId": true, "groups": true,
	"historical_migration": true,
}

// captureTypes are PostHog's own events that are called otherwise here.
var captureTypes = map[string]string{
	"$pageview": "$page", "$set": Identify, "$create_alias": Alias, "$groupidentify": Group,
}

// captureNames are what PostHog calls the fields of an event.
var captureNames = map[string]string{
	"messageId": "uuid", "userId": "distinct_id", "anonymousId": "distinct_id", "previousId": "properties.alias",
	"groupId": "properties.$group_key", "groupType": "properties.$group_type", "traits": "$set",
}

// DecodeCaptures reads what PostHog's clients send: an event, a list of events, or
// {"batch": [event, …], "sent_at": …}. alone is true of an event that comes by itself. The
// error, a fault, means that the body as a whole cannot be read.
func DecodeCaptures(body []byte) (items []Item, alone bool, err error) {
	if body = bytes.TrimSpace(body); len(body) > 0 && body[0] == '[' {
		items, err = decodeList(body, func(raw []byte) Item { return decodeCapture(raw, time.Time{}) })
		return items, false, err
	}
	e, problem := readEnvelope(body)
	if problem != nil {
		return nil, false, problem
	}
	if !e.seen["batch"] {
		return []Item{decodeCapture(body, e.sentAt)}, true, nil
	}
	if _, problem = e.defaults(); problem != nil {
		return nil, false, problem
	}
	for _, raw := range e.batch {
		items = append(items, decodeCapture(raw, e.sentAt))
	}
	return items, false, nil
}

// decodeList reads a body that is a list of events.
func decodeList(body []byte, decode func(raw []byte) Item) ([]Item, error) {
	s := &scanner{data: body}
	list, problem := s.list(MaxBatchEvents)
	switch {
	case problem != nil:
		return nil, problem
	case len(list) > MaxBatchEvents:
		return nil, fault.Input("body", "At most %d events are allowed.", MaxBatchEvents)
	case !s.ended():
		return nil, errTrailing
	}
	items := make([]Item, len(list))
	for i, raw := range list {
		items[i] = decode(raw)
	}
	return items, nil
}

func decodeCapture(raw []byte, sentAt time.Time) Item {
	c := capture{}
	return readItem(raw, "uuid", &c.Incoming, c.member, func() *fault.Error {
		if c.SentAt.IsZero() {
			c.SentAt = sentAt
		}
		if c.MessageID == "" && !c.Timestamp.IsZero() {
			c.MessageID = uuid.NewSHA1(captureSpace, raw).String()
		}
		return c.settle()
	})
}

// captureSpace is the name space of the ids of events that have none: PostHog's client for Go
// gives none, and repeats what it could not deliver to the letter, instants included.
var captureSpace = uuid.MustParse("5c9ed0b4-59b0-4cb3-a1a5-3f3e1e1b7a46")

// member takes one member of an event. Names with a dollar are PostHog's own.
func (c *capture) member(quoted, value []byte) *fault.Error {
	name, problem := readText(quoted)
	if problem != nil {
		return problem.In("event")
	}
	if known, problem := readField(captureFields, c, &c.seen, name, value); known {
		return problem
	}
	own := capturePassedOver[name] || strings.HasPrefix(name, "_") || strings.HasPrefix(name, "$")
	return passOver(name, value, own)
}

// settle says in our words what the event says, and checks the whole.
func (c *capture) settle() *fault.Error {
	c.look()
	if own, ok := captureTypes[c.Type]; ok {
		c.Type = own
	}
	c.settleTraits()
	c.settleGroup()
	problem := c.settlePerson()
	if problem == nil {
		problem = c.Check()
	}
	if problem != nil {
		return renamed(problem, captureNames)
	}
	return nil
}

// look reads what the properties say, and takes the key from them. Properties that cannot be
// read are left to Check.
func (c *capture) look() {
	kept := newObject(len(c.Properties))
	problem := (&scanner{data: c.Properties}).object(func(quoted, value []byte) *fault.Error {
		name := string(quoted[1 : len(quoted)-1])
		if read := insideFields[name]; read != nil {
			read(&c.inside, value)
		}
		if name != "token" {
			kept.add(quoted, value)
		}
		return nil
	})
	if problem == nil && c.inside.hasKey {
		c.Properties = kept.close()
	}
	if c.distinctID == "" {
		c.distinctID = c.inside.distinctID
	}
}
