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
)

// store writes events of one tenant in one transaction: message ids, identities, profiles,
// events, presence and rollups. Every rows[i].verdict is set when it returns nil; the
// verdicts hold only if the transaction commits.
func store(ctx context.Context, tx pgx.Tx, zone calendar.Zone, months *months, rows []row) error {
	queries := dbsqlc.New()
	turn, err := queries.EventTakeTurn(ctx, tx)
	if err != nil {
		return fmt.Errorf("take turn: %w", err)
	}
	rows = placeAll(rows, turn.ReceivedAt)
	if rows, err = claim(ctx, tx, rows); err != nil || len(rows) == 0 {
		return err
	}
	if err := recognize(ctx, tx, zone, rows); err != nil {
		return err
	}
	if err := months.ensure(ctx, tx, rows); err != nil {
		return err
	}
	if err := insert(ctx, tx, turn.Staged, rows); err != nil {
		return err
	}
	if err := queries.PresenceUpsert(ctx, tx, presences(zone, rows)); err != nil {
		return fmt.Errorf("upsert presence: %w", err)
	}
	// Last, since every batch of this tenant meets on these rows.
	if err := queries.EventRollupUpsert(ctx, tx, rollups(zone, rows)); err != nil {
		return fmt.Errorf("upsert rollups: %w", err)
	}
	for i := range rows {
		*rows[i].verdict = Verdict{MessageID: rows[i].MessageID, Status: Accepted, Warnings: rows[i].warnings}
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
	taken, err := dbsqlc.New().MessageClaim(ctx, tx, params)
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	if len(taken) == 0 && len(params.Keys) == len(rows) {
		return rows, nil
	}
	used := make(map[uuid.UUID]bool, len(taken))
	for _, t := range taken {
		used[t.MessageKey] = true
		first[t.MessageKey] = t.Fingerprint
	}
	return judge(rows, first, used), nil
}

// judge keeps the first event of each id that was free, and gives the others their verdicts.
func judge(rows []row, first map[uuid.UUID]int64, used map[uuid.UUID]bool) []row {
	kept := make([]row, 0, len(rows))
	for _, r := range rows {
		if !used[r.key] {
			used[r.key] = true
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
