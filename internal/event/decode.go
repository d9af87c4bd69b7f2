package event

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Segment's HTTP tracking API (Segment documentation, "HTTP API" and "Spec: common
// fields") gives the shapes read here.

// message is one call in Segment's shape.
type message struct {
	Type              *string        `json:"type"`
	Event             string         `json:"event"`
	Name              string         `json:"name"`
	UserID            identifier     `json:"userId"`
	AnonymousID       identifier     `json:"anonymousId"`
	MessageID         string         `json:"messageId"`
	Timestamp         instant        `json:"timestamp"`
	OriginalTimestamp instant        `json:"originalTimestamp"`
	SentAt            instant        `json:"sentAt"`
	Properties        jsontext.Value `json:"properties"`
	Context           jsontext.Value `json:"context"`

	Unknown jsontext.Value `json:",unknown"`
}

// passedOver are the members that senders add and that carry nothing to count.
var passedOver = map[string]bool{
	"integrations": true, "writeKey": true, "channel": true, "version": true, "category": true,
	"receivedAt": true, "projectId": true, "traits": true, "options": true,
}

// DecodeOne reads one call of /v1/track. The error, a fault, means that the body is not
// JSON at all; what is wrong with the event itself stands in the item.
func DecodeOne(body []byte) (Item, error) {
	body = bytes.TrimSpace(body)
	if !looksLikeObject(body) {
		return Item{}, fault.Input("body", "The body is not a JSON object.")
	}
	if err := wellFormed(body); err != nil {
		return Item{}, err
	}
	return decodeItem(body, batchDefaults{kind: "track"}), nil
}

// DecodeBatch reads /v1/batch: {"batch": [call, …], "sentAt": …, "context": {…}}. The
// error, a fault, means that the body as a whole cannot be read; each item tells for
// itself what is wrong with it.
func DecodeBatch(body []byte) ([]Item, error) {
	body = bytes.TrimSpace(body)
	if !looksLikeObject(body) {
		return nil, fault.Input("body", "The body is not a JSON object.")
	}
	var envelope struct {
		Batch   []jsontext.Value `json:"batch"`
		SentAt  instant          `json:"sentAt"`
		Context jsontext.Value   `json:"context"`
	}
	// Lenient here, so that one item's repeated names or broken text cost only that item.
	if err := json.Unmarshal(body, &envelope, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, envelopeFault(err)
	}
	if envelope.Batch == nil {
		return nil, fault.Input("batch", "A list of events is needed.")
	}
	if len(envelope.Batch) == 0 {
		return nil, fault.Input("batch", "The list of events is empty.")
	}
	defaults := batchDefaults{sentAt: envelope.SentAt.Time, context: envelope.Context}
	items := make([]Item, len(envelope.Batch))
	for i, raw := range envelope.Batch {
		items[i] = decodeItem(raw, defaults)
	}
	return items, nil
}

func looksLikeObject(body []byte) bool { return len(body) > 0 && body[0] == '{' }

func wellFormed(body []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := decoder.SkipValue(); err != nil {
		return badJSON("body", err)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return fault.Input("body", "Text follows the JSON object.")
	}
	return nil
}

func envelopeFault(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.In("sentAt")
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		field := strings.TrimPrefix(string(semantic.JSONPointer), "/")
		if field == "" {
			field = "body"
		}
		return fault.Input(field, "The value is of the wrong type.").Because(err)
	}
	return badJSON("body", err)
}

// batchDefaults is what the envelope says for all of its items.
type batchDefaults struct {
	sentAt  time.Time
	context jsontext.Value
	kind    string // the call's type where the item names none
}

func decodeItem(raw []byte, defaults batchDefaults) Item {
	if len(raw) > MaxEventBytes {
		return Item{Problem: fault.Newf(fault.TooLarge, "An event has at most %d bytes.", MaxEventBytes).In("event")}
	}
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		// The id may still be readable, and lets the sender find its event.
		return Item{Incoming: Incoming{MessageID: salvageID(raw)}, Problem: itemFault(err)}
	}
	item := Item{Incoming: m.incoming(defaults)}
	if item.Problem = m.checkUnknown(); item.Problem == nil {
		item.Problem = m.settleType(&item.Incoming, defaults)
	}
	if item.Problem == nil {
		item.Problem = item.Check()
	}
	return item
}

func (m *message) incoming(defaults batchDefaults) Incoming {
	e := Incoming{
		MessageID: m.MessageID, UserID: string(m.UserID), AnonymousID: string(m.AnonymousID),
		Timestamp: m.Timestamp.Time, SentAt: m.SentAt.Time,
		Properties: m.Properties, Context: m.Context,
	}
	if e.Timestamp.IsZero() {
		e.Timestamp = m.OriginalTimestamp.Time
	}
	if e.SentAt.IsZero() {
		e.SentAt = defaults.sentAt
	}
	if len(e.Context) == 0 {
		e.Context = defaults.context
	}
	return e
}

// settleType names the event: a tracked one by its own name, a page or screen by what it
// is, with its name among the properties.
func (m *message) settleType(e *Incoming, defaults batchDefaults) *fault.Error {
	kind := defaults.kind
	if m.Type != nil {
		kind = *m.Type
	}
	switch kind {
	case "track":
		e.Type = m.Event
	case "page", "screen":
		e.Type = "$" + kind
		return m.addName(e)
	case "":
		return fault.Input("type", "An item of a batch needs a type: track, page or screen.")
	default:
		return fault.Input("type", "Only track, page and screen are taken.")
	}
	return nil
}

func (m *message) addName(e *Incoming) *fault.Error {
	if m.Name == "" {
		return nil
	}
	properties := map[string]jsontext.Value{}
	if len(e.Properties) > 0 {
		if err := json.Unmarshal(e.Properties, &properties); err != nil {
			return badJSON("properties", err)
		}
	}
	if _, own := properties["name"]; own || properties == nil {
		return nil
	}
	name, err := json.Marshal(m.Name)
	if err != nil {
		return badJSON("name", err)
	}
	properties["name"] = name
	merged, err := json.Marshal(properties, json.Deterministic(true))
	if err != nil {
		return badJSON("properties", err)
	}
	e.Properties = merged
	return nil
}

// checkUnknown refuses a member that nothing reads: a misspelt "propertis" would
// otherwise be lost without a word.
func (m *message) checkUnknown() *fault.Error {
	if len(m.Unknown) == 0 {
		return nil
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(m.Unknown))
	if _, err := decoder.ReadToken(); err != nil {
		return badJSON("event", err)
	}
	for decoder.PeekKind() == '"' {
		token, err := decoder.ReadToken()
		if err != nil {
			return badJSON("event", err)
		}
		name := token.String()
		if !passedOver[name] && !strings.HasPrefix(name, "_") {
			return fault.Input(shortField(name), "There is no such field in an event.")
		}
		if err := decoder.SkipValue(); err != nil {
			return badJSON("event", err)
		}
	}
	return nil
}

// shortField names a member that the sender made up, unless it is too long to repeat.
func shortField(name string) string {
	if len(name) > maxText {
		return "event"
	}
	return name
}

func itemFault(err error) *fault.Error {
	field := "event"
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		if name := strings.TrimPrefix(string(semantic.JSONPointer), "/"); name != "" {
			field = shortField(name)
		}
		if f, ok := errors.AsType[*fault.Error](err); ok {
			return f.In(field)
		}
		return fault.Input(field, "The value is of the wrong type.").Because(err)
	}
	return badJSON(field, err)
}

// salvageID looks for the message id of an item that is otherwise unreadable.
func salvageID(raw []byte) string {
	var m struct {
		MessageID string `json:"messageId"`
	}
	lenient := json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if json.Unmarshal(raw, &m, lenient) != nil || checkText("messageId", m.MessageID) != nil {
		return ""
	}
	return m.MessageID
}
