package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// MaxHeld is how many events of one tenant may be held in quarantine.
const MaxHeld = 50_000

// Held is an event that is put aside.
type Held struct {
	ID          int64
	ReceivedAt  time.Time // zero: now
	Source      string
	MessageID   string
	MessageKey  uuid.UUID
	Fingerprint int64
	Type        string
	Field       string
	Reason      string
	PlanVersion int
	Body        []byte // the whole event, as JSON, by which it can come in again
}

// Hold puts events aside, as far as there is room, and returns how many of them it has put
// aside: the first ones. A message that is held already needs no room of its own, and may
// find none all the same.
func Hold(ctx context.Context, tx pgx.Tx, events []Held) (held int, err error) {
	queries := dbsqlc.New()
	there, err := queries.QuarantinedEventHeldCount(ctx, tx, MaxHeld)
	if err != nil {
		return 0, fmt.Errorf("count held events: %w", err)
	}
	held = min(len(events), MaxHeld-int(there))
	if held == 0 {
		return 0, nil
	}
	if err := queries.QuarantinedEventHold(ctx, tx, holdParams(events[:held])); err != nil {
		return 0, fmt.Errorf("hold events: %w", err)
	}
	return held, nil
}

// holdParams turns the events into parallel lists. Of several of one message the last is kept.
func holdParams(events []Held) (p dbsqlc.QuarantinedEventHoldParams) {
	last := make(map[uuid.UUID]int, len(events))
	for i := range events {
		last[events[i].MessageKey] = i
	}
	for i := range events {
		e := &events[i]
		if last[e.MessageKey] != i {
			continue
		}
		receivedAt := e.ReceivedAt
		if receivedAt.IsZero() {
			receivedAt = time.Unix(0, 0)
		}
		p.ReceivedAts = append(p.ReceivedAts, receivedAt)
		p.Sources = append(p.Sources, e.Source)
		p.MessageIds = append(p.MessageIds, e.MessageID)
		p.MessageKeys = append(p.MessageKeys, e.MessageKey)
		p.Fingerprints = append(p.Fingerprints, e.Fingerprint)
		p.Types = append(p.Types, e.Type)
		p.Fields = append(p.Fields, e.Field)
		p.Reasons = append(p.Reasons, e.Reason)
		p.PlanVersions = append(p.PlanVersions, int32(e.PlanVersion))
		p.Bodies = append(p.Bodies, e.Body)
	}
	return p
}

// Pick says which of the events that are held are meant: those of some ids, of some types,
// or, without either, all of them.
type Pick struct {
	IDs   []int64  // nil: any
	Types []string // nil: any
}

// HeldAfter lists events that are held, the oldest first, from the one after an id on.
func HeldAfter(ctx context.Context, tx pgx.Tx, pick Pick, after int64, most int) (list []Held, err error) {
	if err := checkTypes(pick.Types); err != nil {
		return nil, err
	}
	rows, err := dbsqlc.New().QuarantinedEventListHeld(ctx, tx, dbsqlc.QuarantinedEventListHeldParams{
		After: after, Ids: pick.IDs, Types: pick.Types, Most: int64(most),
	})
	if err != nil {
		return nil, fmt.Errorf("list held events: %w", err)
	}
	for _, r := range rows {
		list = append(list, heldOf(dbsqlc.QuarantinedEventPageRow(r)))
	}
	return list, nil
}

func heldOf(r dbsqlc.QuarantinedEventPageRow) Held {
	return Held{
		ID: r.QuarantinedEventID, ReceivedAt: r.ReceivedAt.UTC(), Source: r.Source, MessageID: r.MessageID, Type: r.Type,
		Field: r.Field, Reason: r.Reason, PlanVersion: int(r.PlanVersion), Body: r.Body,
	}
}

// Decision is what was decided on an event that was held.
type Decision string

// The decisions.
const (
	Released  Decision = "RELEASED"
	Discarded Decision = "DISCARDED"
)

// Decide ends the holding of events, and forgets what they said. It returns how many were
// still held.
func Decide(ctx context.Context, tx pgx.Tx, decision Decision, by uuid.UUID, events []Held) (int, error) {
	if len(events) == 0 {
		return 0, nil
	}
	p := dbsqlc.QuarantinedEventDecideParams{State: string(decision), DecidedBy: uuid.NullUUID{UUID: by, Valid: true}}
	for i := range events {
		p.Ids = append(p.Ids, events[i].ID)
		p.ReceivedAts = append(p.ReceivedAts, events[i].ReceivedAt)
	}
	n, err := dbsqlc.New().QuarantinedEventDecide(ctx, tx, p)
	if err != nil {
		return 0, fmt.Errorf("decide on held events: %w", err)
	}
	return int(n), nil
}
