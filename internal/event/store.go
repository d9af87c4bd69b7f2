package event

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

// store writes events of one tenant in one transaction: message ids, persons, events,
// presence and rollups. Every rows[i].verdict is set when it returns nil; the verdicts
// hold only if the transaction commits.
func store(ctx context.Context, tx pgx.Tx, zone calendar.Zone, months *months, rows []row) error {
	queries := dbsqlc.New()
	receivedAt, err := queries.EventTakeTurn(ctx, tx)
	if err != nil {
		return fmt.Errorf("take turn: %w", err)
	}
	rows = placeAll(rows, receivedAt)
	if rows, err = claim(ctx, tx, rows); err != nil || len(rows) == 0 {
		return err
	}
	found, err := queries.PersonResolve(ctx, tx, persons(zone, rows))
	if err != nil {
		return fmt.Errorf("resolve persons: %w", err)
	}
	assign(rows, found)
	if err := months.ensure(ctx, tx, rows); err != nil {
		return err
	}
	if err := queries.EventInsert(ctx, tx, columns(receivedAt, rows)); err != nil {
		return fmt.Errorf("insert events: %w", err)
	}
	if err := queries.PresenceUpsert(ctx, tx, presences(zone, rows)); err != nil {
		return fmt.Errorf("upsert presence: %w", err)
	}
	// Last, since every batch of this tenant meets on these rows.
	if err := queries.EventRollupUpsert(ctx, tx, rollups(zone, rows)); err != nil {
		return fmt.Errorf("upsert rollups: %w", err)
	}
	if err := registry.Observe(ctx, tx, observations(rows)); err != nil {
		return err
	}
	for _, r := range rows {
		*r.verdict = Verdict{MessageID: r.MessageID, Status: Accepted}
	}
	return nil
}

// placeAll puts the events on the database's clock, and drops those that then turn out
// to be too early.
func placeAll(rows []row, receivedAt time.Time) []row {
	kept := make([]row, 0, len(rows))
	for _, r := range rows {
		at, problem := r.place(receivedAt)
		if problem != nil {
			*r.verdict = rejected(r.MessageID, problem)
			continue
		}
		r.placed = at
		kept = append(kept, r)
	}
	return kept
}

// claim takes the message ids, and keeps the events whose id was free. The others are
// judged by the event that has the id, be it an earlier one of this transaction.
func claim(ctx context.Context, tx pgx.Tx, rows []row) ([]row, error) {
	first := make(map[uuid.UUID]int64, len(rows)) // the fingerprint of the event that has the id
	var params dbsqlc.MessageClaimParams
	for _, r := range rows {
		if _, again := first[r.key]; !again {
			first[r.key] = r.fingerprint
			params.Keys = append(params.Keys, r.key)
			params.Fingerprints = append(params.Fingerprints, r.fingerprint)
		}
	}
	claimed, err := dbsqlc.New().MessageClaim(ctx, tx, params)
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	if len(claimed) == len(rows) {
		return rows, nil
	}
	free := make(map[uuid.UUID]bool, len(claimed))
	for _, key := range claimed {
		free[key] = true
	}
	if err := learnTaken(ctx, tx, first, free); err != nil {
		return nil, err
	}
	return judge(rows, first, free), nil
}

// learnTaken replaces the fingerprints of ids that were taken before by those of the events
// that took them.
func learnTaken(ctx context.Context, tx pgx.Tx, first map[uuid.UUID]int64, free map[uuid.UUID]bool) error {
	var taken []uuid.UUID
	for key := range first {
		if !free[key] {
			taken = append(taken, key)
		}
	}
	if len(taken) == 0 {
		return nil
	}
	list, err := dbsqlc.New().MessageFingerprintList(ctx, tx, taken)
	if err != nil {
		return fmt.Errorf("list fingerprints: %w", err)
	}
	for _, m := range list {
		first[m.MessageKey] = m.Fingerprint
	}
	return nil
}

// judge keeps the first event of each id that was free, and gives the others their verdicts.
func judge(rows []row, first map[uuid.UUID]int64, free map[uuid.UUID]bool) []row {
	kept := make([]row, 0, len(rows))
	for _, r := range rows {
		if free[r.key] {
			free[r.key] = false
			kept = append(kept, r)
			continue
		}
		*r.verdict = repeated(r.MessageID, first[r.key] == r.fingerprint)
	}
	return kept
}

func repeated(messageID string, same bool) Verdict {
	if same {
		return Verdict{MessageID: messageID, Status: Duplicate}
	}
	why := fault.Input("messageId", "Another event with this id came first.")
	return Verdict{MessageID: messageID, Status: Conflict, Field: why.Field, Reason: why.Message}
}

// columns turns the rows into parallel lists, as the statement takes them.
func columns(receivedAt time.Time, rows []row) dbsqlc.EventInsertParams {
	p := dbsqlc.EventInsertParams{ReceivedAt: receivedAt}
	for _, r := range rows {
		p.OccurredAts = append(p.OccurredAts, r.occurredAt)
		p.Types = append(p.Types, r.Type)
		p.PersonIds = append(p.PersonIds, r.personID)
		p.UserIds = append(p.UserIds, r.UserID)
		p.AnonymousIds = append(p.AnonymousIds, r.AnonymousID)
		p.Sources = append(p.Sources, r.source)
		p.MessageIds = append(p.MessageIds, r.MessageID)
		p.ClaimedAts = append(p.ClaimedAts, r.claimedAt)
		p.Properties = append(p.Properties, r.Properties)
		p.Contexts = append(p.Contexts, r.Context)
	}
	return p
}
