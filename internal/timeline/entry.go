// Package timeline tells all that is known of a customer in one order of time: events, traits,
// money, notes, merges and health. A page ends where it stopped looking, and the next goes on from there:
// nothing is given twice, and nothing is left out that was there when the list was begun.
package timeline

import (
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// Kind is what an entry tells.
type Kind string

// The kinds, as in the schema's enum TimelineKind. Of one instant the later in this list comes
// later in the timeline.
const (
	Event        Kind = "EVENT"
	Trait        Kind = "TRAIT"
	MRR          Kind = "MRR"
	Subscription Kind = "SUBSCRIPTION"
	Invoice      Kind = "INVOICE"
	Payment      Kind = "PAYMENT"
	Note         Kind = "NOTE"
	Merge        Kind = "MERGE"
	Health       Kind = "HEALTH"
	Ticket       Kind = "TICKET"
)

var kinds = []Kind{Event, Trait, MRR, Subscription, Invoice, Payment, Note, Merge, Health, Ticket}

// AllKinds lists every kind.
func AllKinds() []Kind { return append([]Kind(nil), kinds...) }

// Entry is what all entries have.
type Entry struct {
	At   time.Time
	Kind Kind
	Key  string // among those of its kind
}

// EventEntry is something that was done.
type EventEntry struct {
	Entry
	Position event.Position
}

// TraitEntry is a trait that changed.
type TraitEntry struct {
	Entry
	Change customer.Change
}

// MRREntry is a movement of MRR.
type MRREntry struct {
	Entry
	ID int64
}

// SubscriptionEntry is how a subscription stood from an instant on.
type SubscriptionEntry struct {
	Entry
	ID     int64
	Status revenue.Status
}

// InvoiceEntry is an invoice that was issued.
type InvoiceEntry struct {
	Entry
	ID int64
}

// PaymentEntry is money that was paid, went back, or was let off.
type PaymentEntry struct {
	Entry
	ID int64
}

// NoteEntry is something that was noted.
type NoteEntry struct {
	Entry
	ID uuid.UUID
}

// MergeEntry is a merge of two users, or its undoing.
type MergeEntry struct {
	Entry
	ID     uuid.UUID
	Undone bool
}

// HealthEntry is that an account came into another band of health.
type HealthEntry struct {
	Entry
	ID int64
}

// TicketEntry is a ticket of support that was opened, or solved.
type TicketEntry struct {
	Entry
	ID     int64
	Moment ticket.Moment
}

// Filter says which entries; the zero one: all.
type Filter struct {
	Kinds    []Kind
	Types    []string // of events
	From, To *time.Time
}

// Usage is how often a customer did what.
type Usage struct {
	Types    []string
	Counts   []int
	LastAt   []time.Time
	From, To time.Time
	Complete bool
}
