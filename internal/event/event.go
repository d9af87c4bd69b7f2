// Package event takes events in. Every event gets a verdict, and nothing that was
// acknowledged is lost or counted twice: a batch's message ids, events, persons,
// presence and rollups commit together, and only then is it answered.
package event

import (
	"time"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

// The limits of one event and one batch, in bytes as in Segment's HTTP API, unless a server
// is told others.
const (
	MaxEventBytes = 32 << 10
	MaxBatchBytes = 500 << 10
	maxText       = 200 // characters of a type or an id
	maxDepth      = 32  // levels of properties and context
)

// Limits bound what one event and one batch may have, in bytes.
type Limits struct{ Event, Batch int }

var limits = Limits{Event: MaxEventBytes, Batch: MaxBatchBytes}

// SetLimits replaces the limits of this process. It is for its start: nothing may be taken in
// meanwhile.
func SetLimits(l Limits) { limits = l }

// CurrentLimits are those of this process.
func CurrentLimits() Limits { return limits }

// Earliest is the first instant that an event may have happened at.
var Earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// maxAhead is how far a sender's clock may be ahead; beyond it, arrival counts.
const maxAhead = 24 * time.Hour

// The types of events that say something about somebody, and are nothing that somebody did:
// they count as events, and not as activity.
const (
	Identify = "$identify" // who a person is: sets traits, and joins an anonymous id to a user
	Group    = "$group"    // which account a person belongs to, and what that account is
	Alias    = "$alias"    // that an id used before belongs to a user
)

// DefaultGroup is the type of a group whose sender knows only one type.
const DefaultGroup = "account"

// IsActivity reports whether events of a type are something that somebody did.
func IsActivity(eventType string) bool {
	return eventType != Identify && eventType != Group && eventType != Alias
}

// Incoming is one event as its sender gave it, whatever the protocol.
type Incoming struct {
	MessageID   string    // made up if the sender gave none
	Type        string    // a tracked event's name, or $page, $screen, $identify, $group, $alias
	UserID      string    // empty if unknown
	AnonymousID string    // empty if unknown
	PreviousID  string    // of an alias: the id used before
	GroupType   string    // what kind of group GroupID names; DefaultGroup if not given
	GroupID     string    // the account on whose behalf it was done; of a group call, the one it is about
	Timestamp   time.Time // by the sender's clock; zero if not given
	SentAt      time.Time // by the same clock; zero if not given
	ReceivedAt  time.Time // when a server took it; zero: when it is written
	Properties  []byte    // a JSON object
	Context     []byte    // a JSON object
	Traits      []byte    // a JSON object: what it sets of the person, or, of a group call, of the account
	TraitsOnce  []byte    // a JSON object: the same, of what has never been set

	shape       []registry.Property // what the registry looks at: the members of Properties, or those that it sets
	fingerprint int64
}

// Shape lists the members of the properties of an event that was checked, or, where it sets
// traits, those of the traits.
func (e *Incoming) Shape() []registry.Property { return e.shape }

// Item is one event of a batch: either it can be written, or Problem says why not.
type Item struct {
	Incoming
	Problem *fault.Error
}

// Status is what became of an event.
type Status string

// The verdicts.
const (
	Accepted  Status = "ACCEPTED"  // stored and counted
	Duplicate Status = "DUPLICATE" // stored before, the same; not counted again
	Conflict  Status = "CONFLICT"  // another event has its id; not stored
	Rejected  Status = "REJECTED"  // not fit to store
	// Quarantined: against the tenant's tracking plan; kept aside, and not counted.
	Quarantined Status = "QUARANTINED"
	// Queued: safe in the log that workers store from; whether it repeats another is not known yet.
	Queued Status = "QUEUED"
)

// Verdict says what became of one event. Field and Reason are empty unless it was
// rejected, quarantined or in conflict.
type Verdict struct {
	MessageID string    `json:"messageId"`
	Status    Status    `json:"status"`
	Field     string    `json:"field,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Warnings  []Warning `json:"warnings,omitempty"`
}

// Warning tells of something about an event that was taken that its sender should know.
type Warning struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

func rejected(messageID string, why *fault.Error) Verdict {
	return Verdict{MessageID: messageID, Status: Rejected, Field: why.Field, Reason: why.Message}
}

// Check completes the event and returns what is wrong with it, or nil. It must be
// called once on every event before it is written.
func (e *Incoming) Check() *fault.Error {
	if problem := e.checkFields(); problem != nil {
		return problem
	}
	context, problem := sealObject("context", e.Context, false)
	if problem != nil {
		return problem
	}
	return e.complete(context)
}

// complete checks what the sender said in JSON, and seals the event.
func (e *Incoming) complete(context checkedObject) *fault.Error {
	if e.GroupID != "" && e.GroupType == "" {
		e.GroupType = DefaultGroup
	}
	sets := setsTraits(e.Type)
	traits, problem := sealTraits(e.Traits, sets)
	if problem != nil {
		return problem
	}
	once, problem := sealTraits(e.TraitsOnce, sets)
	if problem != nil {
		return problem
	}
	properties, problem := sealObject("properties", e.Properties, !sets)
	if problem == nil && properties.digest == noMembers.digest {
		properties, problem = e.sealSaid(traits)
	}
	if problem != nil {
		return problem
	}
	if e.shape = properties.members; sets {
		e.shape = merged(traits.members, once.members)
	}
	return e.seal(contents{properties: properties, context: context, traits: traits, once: once})
}

// sealSaid gives an event that has no properties those that show what it says of somebody.
// They are a copy, and have no size of their own.
func (e *Incoming) sealSaid(traits checkedObject) (properties checkedObject, problem *fault.Error) {
	var said []byte
	switch e.Type {
	case Identify, Group:
		said = traits.text
	case Alias:
		said = withMember("previousId", asJSON(e.PreviousID), nil)
	}
	properties, problem = sealObject("properties", said, e.Type == Alias)
	if len(said) > 0 {
		properties.size = 0
	}
	return properties, problem
}

func (e *Incoming) checkFields() *fault.Error {
	if problem := e.checkTexts(); problem != nil {
		return problem
	}
	switch {
	case e.Type == Group && e.GroupID == "":
		return fault.Input("groupId", "A group call needs a groupId.")
	case e.Type == Alias && e.UserID == "":
		return fault.Input("userId", "An alias needs a userId.")
	case e.Type == Alias && e.PreviousID == "":
		return fault.Input("previousId", "An alias needs a previousId.")
	case !e.Timestamp.IsZero() && e.Timestamp.Before(Earliest):
		return tooEarly()
	}
	return nil
}

func (e *Incoming) checkTexts() *fault.Error {
	switch {
	case e.Type == "":
		return fault.Input("event", "An event needs a name.")
	case e.UserID == "" && e.AnonymousID == "" && e.Type != Group: // a server may describe an account
		return fault.Input("userId", "An event needs a userId or an anonymousId.")
	}
	texts := []struct{ field, value string }{
		{"event", e.Type}, {"messageId", e.MessageID}, {"userId", e.UserID}, {"anonymousId", e.AnonymousID},
		{"previousId", e.PreviousID}, {"groupType", e.GroupType}, {"groupId", e.GroupID},
	}
	for _, t := range texts {
		if problem := checkText(t.field, t.value); problem != nil {
			return problem
		}
	}
	return nil
}

// checkText keeps out what PostgreSQL's text can't hold or an index shouldn't.
func checkText(field, value string) *fault.Error {
	if utf8.RuneCountInString(value) > maxText {
		return fault.Input(field, "At most %d characters are allowed.", maxText)
	}
	if !utf8.ValidString(value) {
		return fault.Input(field, "The text is not valid UTF-8.")
	}
	for i := range len(value) {
		if value[i] == 0 {
			return fault.Input(field, "The character NUL is not allowed.")
		}
	}
	return nil
}

func tooLarge() *fault.Error {
	return fault.Newf(fault.TooLarge, "An event has at most %d bytes, its numbers written out.", limits.Event).In("event")
}

func tooEarly() *fault.Error {
	return fault.Input("timestamp", "Events before the year 2000 are not taken.")
}

// doer is who did it: the user if known, else the device. ok is false where the sender's id
// stands for nobody.
func (e *Incoming) doer() (who identity.Key, ok bool) {
	if identity.IsSomebody(e.UserID) {
		return identity.User(e.UserID), true
	}
	return identity.Anonymous(e.AnonymousID), identity.IsSomebody(e.AnonymousID)
}

// group is the account on whose behalf it was done; ok is false where there is none.
func (e *Incoming) group() (group identity.Group, ok bool) {
	return identity.Group{Type: e.GroupType, ID: e.GroupID}, identity.IsSomebody(e.GroupID)
}

// placed is an event on the database's clock.
type placed struct {
	receivedAt time.Time
	occurredAt time.Time
	claimedAt  time.Time // what the sender's clock said, where it was not believed; else zero
}

// place works out when the event happened. The sender's clock is corrected by what it
// said when it sent (Segment's rule: receivedAt - (sentAt - timestamp)); one that is
// more than a day ahead is not believed. An event that waited on its way, in a queue, was
// received before it is written, but never after. Instants are PostgreSQL's, in microseconds.
func (e *Incoming) place(now time.Time) (placed, *fault.Error) {
	receivedAt := now
	if !e.ReceivedAt.IsZero() && e.ReceivedAt.Before(now) {
		receivedAt = e.ReceivedAt
	}
	at := receivedAt
	if !e.Timestamp.IsZero() {
		at = e.Timestamp
		if !e.SentAt.IsZero() {
			at = receivedAt.Add(e.Timestamp.Sub(e.SentAt)) // this way round, since Sub saturates and -Sub overflows
		}
	}
	received := receivedAt.UTC().Truncate(time.Microsecond)
	at = at.UTC().Truncate(time.Microsecond)
	if at.Before(Earliest) {
		return placed{}, tooEarly()
	}
	if at.After(receivedAt.Add(maxAhead)) {
		return placed{received, received, e.Timestamp.UTC().Truncate(time.Microsecond)}, nil
	}
	return placed{received, at, time.Time{}}, nil
}
