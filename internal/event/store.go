package event

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

// store writes events of one tenant in one transaction: message ids, identities, profiles,
// events, presence and rollups. Every rows[i].verdict is set when it returns nil; the
// verdicts hold only if the transaction commits. Unless it is careful it fails where a
// message id was taken before.
func store(ctx context.Context, tx pgx.Tx, zone calendar.Zone, months *months, careful bool, rows []row) error {
	queries := dbsqlc.New()
	turn, err := queries.EventTakeTurn(ctx, tx)
	if err != nil {
		return fmt.Errorf("take turn: %w", err)
	}
	rows = placeAll(rows, turn.ReceivedAt)
	if rows, err = claim(ctx, tx, careful, rows); err != nil || len(rows) == 0 {
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
	if err := registry.Observe(ctx, tx, observations(rows)); err != nil {
		return err
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
	for i := range rows {
		at, problem := rows[i].place(receivedAt)
		if problem != nil {
			*rows[i].verdict = rejected(rows[i].MessageID, problem)
			continue
		}
		kept = append(kept, rows[i])
		kept[len(kept)-1].placed = at
	}
	return kept
}

// claim takes the message ids, and keeps the events whose id was free. The others are
// judged by the event that has the id, be it an earlier one of this transaction. Unless it is
// careful it fails, and the transaction with it, where an id was taken before.
func claim(ctx context.Context, tx pgx.Tx, careful bool, rows []row) ([]row, error) {
	queries := dbsqlc.New()
	first := make(map[uuid.UUID]int64, len(rows)) // the fingerprint of the event that has the id
	for i := range rows {
		if _, again := first[rows[i].key]; !again {
			first[rows[i].key] = rows[i].fingerprint
		}
	}
	keys := slices.SortedFunc(maps.Keys(first), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	fingerprints := make([]int64, len(keys))
	for i, key := range keys {
		fingerprints[i] = first[key]
	}
	used := map[uuid.UUID]bool{}
	if !careful {
		if err := queries.MessageTake(ctx, tx, dbsqlc.MessageTakeParams{Keys: keys, Fingerprints: fingerprints}); err != nil {
			return nil, fmt.Errorf("take messages: %w", err)
		}
	} else {
		taken, err := queries.MessageClaim(ctx, tx, dbsqlc.MessageClaimParams{Keys: keys, Fingerprints: fingerprints})
		if err != nil {
			return nil, fmt.Errorf("claim messages: %w", err)
		}
		for _, t := range taken {
			used[t.MessageKey] = true
			first[t.MessageKey] = t.Fingerprint
		}
	}
	if len(used) == 0 && len(keys) == len(rows) {
		return rows, nil
	}
	return judge(rows, first, used), nil
}

// judge keeps the first event of each id that was free, and gives the others their verdicts.
func judge(rows []row, first map[uuid.UUID]int64, used map[uuid.UUID]bool) []row {
	kept := make([]row, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		if !used[r.key] {
			used[r.key] = true
			kept = append(kept, *r)
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
