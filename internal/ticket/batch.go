package ticket

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// batch is the items of one call, on their way into the table.
type batch struct {
	given    []Verdict // what is known before the transaction
	fit      []parcel
	verdicts []Verdict
}

// parcel is an item that can be taken.
type parcel struct {
	Item
	place       int
	fingerprint int64
}

// name is what a ticket is known by.
type name struct{ source, id string }

func (p parcel) name() name { return name{*p.Source, p.ID} }

func (p parcel) group() identity.Group { return identity.Group{Type: *p.GroupType, ID: *p.GroupID} }

// state is what was said of a ticket last.
type state struct {
	at          time.Time
	fingerprint int64
}

func newBatch(source string, given []Given) *batch {
	b := &batch{given: make([]Verdict, len(given))}
	for i, g := range given {
		item, problem := g.Item, g.Problem
		if problem == nil {
			item, problem = check(item, source)
		}
		b.given[i] = Verdict{ID: item.ID, Status: event.Accepted}
		if problem != nil {
			b.given[i].refuse(event.Rejected, problem)
			continue
		}
		b.fit = append(b.fit, parcel{item, i, fingerprint(item)})
	}
	return b
}

// fingerprint tells a state from another one. The JSON of our own structures is always the same.
func fingerprint(item Item) int64 {
	text, err := json.Marshal(item)
	if err != nil {
		panic(fmt.Sprintf("ticket: write item: %v", err)) // it has nothing that cannot be written
	}
	sum := sha256.Sum256(text)
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// store writes what is later than what is known. The verdicts hold only if the transaction
// commits.
func (b *batch) store(ctx context.Context, tx pgx.Tx) error {
	b.verdicts = slices.Clone(b.given)
	if len(b.fit) == 0 {
		return nil
	}
	// Whoever makes identities and accounts holds the tenant's turn; so nobody else changes what
	// is known meanwhile.
	if err := dbsqlc.New().TenantTakeTurn(ctx, tx); err != nil {
		return fmt.Errorf("take turn: %w", err)
	}
	known, err := b.known(ctx, tx)
	if err != nil {
		return err
	}
	if latest := b.judge(known); len(latest) > 0 {
		return keep(ctx, tx, latest)
	}
	return nil
}

// known tells how the tickets stand.
func (b *batch) known(ctx context.Context, tx pgx.Tx) (map[name]state, error) {
	var p dbsqlc.TicketKnownParams
	for _, f := range b.fit {
		p.Sources, p.ExternalIds = append(p.Sources, *f.Source), append(p.ExternalIds, f.ID)
	}
	rows, err := dbsqlc.New().TicketKnown(ctx, tx, p)
	if err != nil {
		return nil, fmt.Errorf("look for tickets: %w", err)
	}
	known := make(map[name]state, len(rows))
	for _, r := range rows {
		known[name{r.Source, r.ExternalID}] = state{r.UpdatedAt, r.Fingerprint}
	}
	return known, nil
}

// judge gives each item its verdict, and finds the latest of each ticket that has something new.
// Who is only named in what is over already is not made.
func (b *batch) judge(known map[name]state) (latest []parcel) {
	places := map[name]int{}
	for _, p := range b.fit {
		was, told := known[p.name()]
		switch {
		case told && p.UpdatedAt.Before(was.at), told && p.UpdatedAt.Equal(was.at) && p.fingerprint == was.fingerprint:
			b.verdicts[p.place].Status = event.Duplicate
			continue
		case told && p.UpdatedAt.Equal(was.at):
			b.verdicts[p.place].refuse(event.Conflict, fault.Input("ticket.updatedAt", "Something else was said of it at this instant, and that stays."))
			continue
		}
		known[p.name()] = state{p.UpdatedAt, p.fingerprint}
		if place, again := places[p.name()]; again {
			latest[place] = p
			continue
		}
		places[p.name()] = len(latest)
		latest = append(latest, p)
	}
	return latest
}

// keep writes the tickets, with the people and the accounts that they name. Naming somebody is no
// activity of theirs, nor does it make them a member.
func keep(ctx context.Context, tx pgx.Tx, list []parcel) error {
	called, err := dbsqlc.New().TicketZone(ctx, tx)
	if err != nil {
		return fmt.Errorf("read zone: %w", err)
	}
	zone, err := calendar.LoadZone(called)
	if err != nil {
		return err
	}
	people, accounts := identity.NewSightings(zone), identity.NewAccounts(zone)
	for _, p := range list {
		if p.UserID != nil {
			people.Mention(identity.User(*p.UserID))
		}
		if p.GroupID != nil {
			accounts.See(p.group(), 0, p.OpenedAt)
		}
	}
	whose, err := people.Resolve(ctx, tx)
	if err != nil {
		return err
	}
	of, err := accounts.Resolve(ctx, tx)
	if err != nil {
		return err
	}
	rows := make([]dbsqlc.TicketUpsertParams, len(list))
	for i, p := range list {
		rows[i] = p.row()
		if p.UserID != nil {
			rows[i].IdentityID = pgtype.Int8{Int64: whose[identity.User(*p.UserID)].ID, Valid: true}
		}
		if p.GroupID != nil {
			rows[i].AccountID = pgtype.Int8{Int64: of[p.group()], Valid: true}
		}
	}
	dbsqlc.New().TicketUpsert(ctx, tx, rows).Exec(func(_ int, failed error) {
		if err == nil && failed != nil {
			err = fmt.Errorf("write tickets: %w", failed)
		}
	})
	return err
}

func (p parcel) row() dbsqlc.TicketUpsertParams {
	return dbsqlc.TicketUpsertParams{
		Source: *p.Source, ExternalID: p.ID, Subject: p.Subject, Url: p.URL, Status: string(p.Status), Priority: (*string)(p.Priority),
		Channel: p.Channel, Rating: (*string)(p.Rating), OpenedAt: p.OpenedAt, FirstRepliedAt: p.FirstRepliedAt, SolvedAt: p.SolvedAt,
		UpdatedAt: p.UpdatedAt, Fingerprint: p.fingerprint,
	}
}
