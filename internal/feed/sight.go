package feed

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// The pause between two looks doubles between these.
const (
	firstLook  = 200 * time.Microsecond
	lastLook   = 50 * time.Millisecond
	lookWithin = 5 * time.Second
)

// sight tells which transactions others can see.
type sight struct {
	conn *pgx.Conn
	last uint64 // the newest transaction known, with its epoch
}

func openSight(ctx context.Context, url string) (*sight, error) {
	ctx, cancel := context.WithTimeout(ctx, setupWithin)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect beside replication: %w", err)
	}
	s := &sight{conn: conn}
	var next string
	if err := conn.QueryRow(ctx, "select pg_snapshot_xmax(pg_current_snapshot())::text").Scan(&next); err != nil {
		s.close()
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	if s.last, err = strconv.ParseUint(next, 10, 64); err != nil {
		s.close()
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	return s, nil
}

func (s *sight) close() {
	ctx, cancel := context.WithTimeout(context.Background(), setupWithin)
	defer cancel()
	_ = s.conn.Close(ctx) // the connection is given up either way
}

// sees reports whether a transaction is over for whoever begins to read now.
func (s *sight) sees(ctx context.Context, xid uint32) (visible bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	s.last = withEpoch(xid, s.last)
	err = s.conn.QueryRow(ctx, "select pg_visible_in_snapshot($1::text::xid8, pg_current_snapshot())",
		strconv.FormatUint(s.last, 10)).Scan(&visible)
	if err != nil {
		return false, fmt.Errorf("look for transaction: %w", err)
	}
	return visible, nil
}

// beatPrefix tells our messages in the log from others'.
const beatPrefix = "tidemark heartbeat"

// beat writes a heartbeat into the log, beside all transactions.
func (s *sight) beat(ctx context.Context, slot string) error {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	if _, err := s.conn.Exec(ctx, "select pg_logical_emit_message(false, $1, $2)", beatPrefix, slot); err != nil {
		return fmt.Errorf("write heartbeat: %w", err)
	}
	return nil
}

// withEpoch completes a transaction id of 32 bits to the one of 64 that is nearest to a
// known one.
func withEpoch(xid uint32, near uint64) uint64 {
	return near + uint64(int64(int32(xid-uint32(near))))
}
