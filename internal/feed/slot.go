package feed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// SlotState is how a database's replication slot does (PostgreSQL documentation,
// pg_replication_slots).
type SlotState struct {
	Exists   bool
	Active   bool  // somebody follows it
	Lost     bool  // its WAL was removed; whoever leads next makes it anew
	Lag      int64 // bytes of WAL that are not confirmed
	SafeSize int64 // bytes of WAL that may still be written before it is lost; -1: there is no limit
}

// Rows reads one row.
type Rows interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ReadSlot looks a slot up.
func ReadSlot(ctx context.Context, db Rows, slot string) (s SlotState, err error) {
	err = db.QueryRow(ctx, `
select count(*) = 1,
    coalesce(bool_or(active), false),
    coalesce(bool_or(wal_status = 'lost'), false),
    coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)), 0)::bigint,
    coalesce(max(safe_wal_size), -1)
from pg_replication_slots
where slot_name = $1`, slot).Scan(&s.Exists, &s.Active, &s.Lost, &s.Lag, &s.SafeSize)
	if err != nil {
		return s, fmt.Errorf("read replication slot: %w", err)
	}
	return s, nil
}

// Problem says what is wrong with a slot; "" if nothing is.
func (s SlotState) Problem() string {
	switch {
	case !s.Exists:
		return "there is no replication slot"
	case s.Lost:
		return "the replication slot's WAL was removed"
	case !s.Active:
		return "nobody follows the replication slot"
	case s.SafeSize >= 0 && s.SafeSize < lowSize:
		return "the replication slot is about to be lost"
	}
	return ""
}

// lowSize is when a slot is about to be lost: a few segments of WAL, 16 MiB each, before.
const lowSize = 64 << 20
