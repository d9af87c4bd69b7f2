package timeline

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/ticket"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// source is where entries of one kind come from.
type source struct {
	kind  Kind
	topic topic.Subject // what changes it besides the customer; empty: nothing
	may   func(who access.Principal, of identity.Subject) bool
	read  func(ctx context.Context, r *reading) error
}

var sources = []source{
	{Event, topic.Day, anybody, readEvents},
	{Trait, "", mayTraits, readTraits},
	{MRR, topic.Revenue, mayMoney, readMovements},
	{Subscription, topic.Revenue, mayMoney, readSubscriptions},
	{Invoice, topic.Revenue, mayMoney, readInvoices},
	{Payment, topic.Revenue, mayMoney, readPayments},
	{Note, "", mayNotes, readNotes},
	{Merge, topic.PersonMerge, mayMerges, readMerges},
	{Health, topic.Health, mayHealth, readHealth},
	{Ticket, topic.Ticket, mayNotes, readTickets},
}

// given reports whether a source is asked for by somebody who may see it. What they may not is
// left out, as is what cannot be narrowed to some rows.
func (s source) given(who access.Principal, ask Ask) bool {
	return s.may(who, ask.Of) && (ask.Kinds == nil || slices.Contains(ask.Kinds, s.kind))
}

func anybody(access.Principal, identity.Subject) bool { return true }

func mayTraits(who access.Principal, of identity.Subject) bool {
	return of == identity.OfAccount || who.May(access.ReadPII)
}

func mayMoney(who access.Principal, of identity.Subject) bool {
	return of == identity.OfAccount && who.May(access.ReadRevenue) && who.Rows == nil
}

// mayNotes is for what is told whole or not at all.
func mayNotes(who access.Principal, _ identity.Subject) bool { return who.Rows == nil }

func mayMerges(who access.Principal, of identity.Subject) bool {
	return of == identity.OfPerson && who.May(access.ReadPII) && who.Rows == nil
}

func mayHealth(who access.Principal, of identity.Subject) bool {
	return of == identity.OfAccount && who.Rows == nil
}

// number is the key of a source that sorts by numbers.
func (b bound) number() int64 {
	n, err := strconv.ParseInt(b.key, 10, 64)
	if err != nil {
		return leastNumber
	}
	return n
}

func (b bound) uuid() uuid.UUID {
	id, err := uuid.Parse(b.key)
	if err != nil {
		return uuid.Nil
	}
	return id
}

func readEvents(ctx context.Context, r *reading) error {
	if r.who.Rows != nil {
		return readNarrowed(ctx, r)
	}
	rows, err := dbsqlc.New().TimelineEvents(ctx, r.tx, dbsqlc.TimelineEventsParams{
		Subject: r.ask.Of, Ids: r.ids, Types: r.ask.Types, Since: r.since, BeforeAt: r.before, BeforeID: r.number(),
		Most: int32(r.most()), Looks: int32(r.looks),
	})
	for _, row := range rows {
		if row.EventID.Valid {
			r.addEvent(row.OfID.Int64, *row.OccurredAt, row.EventID.Int64)
		} else {
			r.stopped(row.OfID.Int64, *row.OccurredAt)
		}
	}
	return err
}

func (r *reading) addEvent(of int64, at time.Time, id int64) {
	r.add(of, at, fmt.Sprint(id), func(e Entry) any { return &EventEntry{e, event.Position{OccurredAt: e.At, ID: id}} })
}

// readNarrowed reads events for who sees some rows alone: presence tells of all.
func readNarrowed(ctx context.Context, r *reading) error {
	rows, err := dbsqlc.New().NarrowedTimelineEvents(ctx, r.tx, dbsqlc.NarrowedTimelineEventsParams{
		Subject: r.ask.Of, Ids: r.ids, Types: r.ask.Types, Since: r.since, BeforeAt: r.before, BeforeID: r.number(),
		Most: r.most(), Looks: allLooks,
	})
	for _, row := range rows {
		if row.EventID != 0 {
			r.addEvent(row.OfID, row.OccurredAt, row.EventID)
		}
		if row.Looked == allLooks && int64(len(r.lists[row.OfID])) < r.most() {
			r.stopped(row.OfID, row.Reached)
		}
	}
	return err
}

func readTraits(ctx context.Context, r *reading) error {
	// Their place is the instant, the name and the message: the key has the message first, as
	// it is of one length.
	message, name, _ := strings.Cut(r.key, " ")
	by, err := uuid.Parse(message)
	if err != nil {
		by, name = uuid.Nil, ""
	}
	changes, err := customer.TraitChanges(ctx, r.tx, r.ask.Of, r.ids, r.first+1, customer.Moment{At: r.before, Name: name, By: by})
	for _, id := range r.ids {
		for _, c := range changes[id] {
			if c.At.Before(r.since) {
				break
			}
			r.add(id, c.At, c.By.String()+" "+c.Name, func(e Entry) any { return &TraitEntry{e, c} })
		}
	}
	return err
}

func readMovements(ctx context.Context, r *reading) error {
	rows, err := dbsqlc.New().TimelineMovements(ctx, r.tx, dbsqlc.TimelineMovementsParams{
		AccountIds: r.ids, Since: r.since, BeforeAt: r.before, BeforeID: r.number(), Most: r.most(),
	})
	for _, row := range rows {
		r.add(row.OfID, row.At, fmt.Sprint(row.MovementID), func(e Entry) any { return &MRREntry{e, row.MovementID} })
	}
	if err != nil {
		return err
	}
	return revenue.NoteNextChange(ctx, r.tx, nil)
}

func readSubscriptions(ctx context.Context, r *reading) error {
	rows, err := dbsqlc.New().TimelineSubscriptions(ctx, r.tx, dbsqlc.TimelineSubscriptionsParams{
		AccountIds: r.ids, Since: r.since, BeforeAt: r.before, BeforeID: r.number(), Most: r.most(),
	})
	for _, row := range rows {
		r.add(row.OfID, row.OccurredAt, fmt.Sprint(row.FactID), func(e Entry) any {
			return &SubscriptionEntry{e, row.SubjectID, revenue.Status(row.Status)}
		})
	}
	return err
}

func readInvoices(ctx context.Context, r *reading) error {
	rows, err := dbsqlc.New().TimelineInvoices(ctx, r.tx, dbsqlc.TimelineInvoicesParams{
		AccountIds: r.ids, Since: r.since, BeforeAt: r.before, BeforeID: r.number(), Most: r.most(),
	})
	for _, row := range rows {
		r.add(row.OfID, row.IssuedAt, fmt.Sprint(row.InvoiceID), func(e Entry) any { return &InvoiceEntry{e, row.InvoiceID} })
	}
	return err
}

func readPayments(ctx context.Context, r *reading) error {
	rows, err := dbsqlc.New().TimelinePayments(ctx, r.tx, dbsqlc.TimelinePaymentsParams{
		AccountIds: r.ids, Since: r.since, BeforeAt: r.before, BeforeID: r.number(), Most: r.most(),
	})
	for _, row := range rows {
		r.add(row.OfID, row.OccurredAt, fmt.Sprint(row.PaymentID), func(e Entry) any { return &PaymentEntry{e, row.PaymentID} })
	}
	return err
}

func readNotes(ctx context.Context, r *reading) error {
	notes, err := customer.NotesOf(ctx, r.tx, r.ask.Of, r.ids, r.first+1, r.since, customer.NoteSpot{At: r.before, ID: r.uuid()})
	for _, id := range r.ids {
		for _, n := range notes[id] {
			r.add(id, n.CreatedAt, n.ID.String(), func(e Entry) any { return &NoteEntry{e, n.ID} })
		}
	}
	return err
}

func readMerges(ctx context.Context, r *reading) error {
	rows, err := dbsqlc.New().TimelineMerges(ctx, r.tx, dbsqlc.TimelineMergesParams{
		PersonIds: r.ids, Since: r.since, BeforeAt: r.before, BeforeID: r.uuid(), Most: r.most(),
	})
	for _, row := range rows {
		r.add(row.OfID, row.At, row.MergeID.String(), func(e Entry) any { return &MergeEntry{e, row.MergeID, row.Undone} })
	}
	return err
}

func readHealth(ctx context.Context, r *reading) error {
	rows, err := dbsqlc.New().TimelineHealth(ctx, r.tx, dbsqlc.TimelineHealthParams{
		AccountIds: r.ids, Since: r.since, BeforeAt: r.before, BeforeID: r.number(), Most: r.most(),
	})
	for _, row := range rows {
		r.add(row.OfID, row.At, fmt.Sprint(row.ChangeID), func(e Entry) any { return &HealthEntry{e, row.ChangeID} })
	}
	return err
}

func readTickets(ctx context.Context, r *reading) error {
	moments, err := ticket.Moments(ctx, r.tx, r.ask.Of, r.ids, ticket.Span{Since: r.since, Before: r.before, Key: r.number(), Most: r.most()})
	for _, m := range moments {
		r.add(m.Of, m.At, fmt.Sprint(m.Key), func(e Entry) any { return &TicketEntry{e, m.Ticket, m.Moment} })
	}
	return err
}
