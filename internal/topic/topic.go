// Package topic names what can change, and notes what an answer was read from. A
// change and a reading meet by subject and key; which tenant they belong to is part
// of both.
package topic

import (
	"fmt"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Subject is a kind of thing that can change.
type Subject string

// The subjects. A span of days is read by interval: the key is the day, in ISO form,
// which sorts as the days do.
const (
	Day    Subject = "day"    // anything counted in a day of the tenant's zone; key: 2026-05-01
	Tenant Subject = "tenant" // the tenant's own settings; no key
	// Terms: what the tenant's figures go by, such as its zone and its currency, and from when on
	// its raw events are there; no key.
	Terms  Subject = "terms"
	Gate   Subject = "gate"   // whom the tenant lets in, or which documents it takes; no key
	APIKey Subject = "key"    // a key was made, changed or revoked; key: its id
	KeyUse Subject = "keyuse" // a key was used; key: its id
	// Session: somebody's session was begun, changed or ended; key: its id.
	Session Subject = "session"
	Role    Subject = "role"   // a role was made or changed; key: its id
	Member  Subject = "member" // somebody joined, left or became something else; key: their login
	Plan    Subject = "plan"   // a tracking plan was saved, or the registry's own state changed; no key
	// Violation: something was found against the plan; no key.
	Violation Subject = "violation"
	// Quarantine: an event was put aside, released or discarded; no key.
	Quarantine Subject = "quarantine"

	Person  Subject = "person"  // whose an identity is, or what is known of it; key: the identity's number
	Account Subject = "account" // an account, its members or what is known of it; key: its number
	// Login: what somebody is called and signs in with, or where they belong and are signed in. It
	// is of no tenant; key: its id.
	Login Subject = "login"
	// View: a materialized view was refreshed. It is of no tenant; no key.
	View Subject = "view"

	Invitation  Subject = "invitation" // an invitation, or a provider of identities, was made, used or ended; key: its id
	PersonMerge Subject = "merge"      // the merges of users; no key
	Erasure     Subject = "erasure"    // the erasure of a person; key: its id

	// Document: a document was registered or retired; no key.
	Document Subject = "document"
	Report   Subject = "report" // a report, or with whom it is shared; no key
	// SharedReport: another tenant has shared a report with this one, or taken it back; no key.
	SharedReport Subject = "shared"

	// Summary: a figure of a period that is over was kept, or restated; key: the metric's.
	Summary Subject = "summary"
	// Revenue: a plan, a subscription, an invoice, a payment, a rate, or what they made of MRR; no key.
	Revenue Subject = "revenue"
	Ticket  Subject = "ticket" // a ticket of support; no key
	Metric  Subject = "metric" // a metric that the tenant defines; key: its key

	Cohort Subject = "cohort" // a cohort was changed or found, or its members have changed; key: its number
	Health Subject = "health" // what counts for health, or what an account comes to; key: the account's number
	// Grouping: whose an identity is has changed, for any; no key.
	Grouping Subject = "grouping"

	Audit Subject = "audit" // something was written into the audit log; no key
)

// Many is the key of a change of more things of a subject than are told apart: of all of
// them, as far as anybody knows.
const Many = "*"

// Topic is one thing that changed.
type Topic struct {
	Tenant  tenant.ID
	Subject Subject
	Key     string
}

// String gives the form that travels: tenant, subject and key with slashes between.
func (t Topic) String() string {
	return t.Tenant.String() + "/" + string(t.Subject) + "/" + t.Key
}

// Parse reads what String wrote.
func Parse(text string) (Topic, error) {
	id, rest, ok := strings.Cut(text, "/")
	subject, key, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return Topic{}, fmt.Errorf("parse topic %.80q: want tenant/subject/key", text)
	}
	tenantID, err := tenant.Parse(id)
	if err != nil {
		return Topic{}, fmt.Errorf("parse topic: %w", err)
	}
	return Topic{tenantID, Subject(subject), key}, nil
}

// Span is what was read: the keys From to To of a subject, both included.
type Span struct {
	Tenant   tenant.ID
	Subject  Subject
	From, To string
}

// Exactly is the span of a single key.
func Exactly(id tenant.ID, subject Subject, key string) Span {
	return Span{id, subject, key, key}
}

// All is the span of every key.
func All(id tenant.ID, subject Subject) Span { return Span{id, subject, "", "\U0010ffff"} }

// Holds reports whether a change of t is a change of what was read.
func (s Span) Holds(t Topic) bool {
	return s.Tenant == t.Tenant && s.Subject == t.Subject && (t.Key == Many || s.From <= t.Key && t.Key <= s.To)
}
