package event

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// insert brings the events into their table by way of the session's staging table: COPY is
// twice as fast as any insert, and row security lets it into no table that lasts.
func insert(ctx context.Context, tx pgx.Tx, staged bool, rows []row) error {
	queries := dbsqlc.New()
	if !staged {
		if err := queries.EventStageMake(ctx, tx); err != nil {
			return fmt.Errorf("make staging table: %w", err)
		}
	}
	if _, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(encode(rows)), copyIn); err != nil {
		return fmt.Errorf("stage events: %w", err)
	}
	inserted, err := queries.EventInsertStaged(ctx, tx)
	if err != nil {
		return fmt.Errorf("insert events: %w", err)
	}
	if inserted != int64(len(rows)) {
		return fmt.Errorf("insert events: %d of %d arrived", inserted, len(rows))
	}
	return nil
}

const copyIn = `copy pg_temp.event_incoming (
	occurred_at, received_at, type, identity_id, user_id, anonymous_id,
	group_type, group_id, source, message_id, claimed_at, properties, context
) from stdin (format binary)`

// The binary format of COPY (PostgreSQL documentation, "COPY", section "Binary Format").
const (
	copyHeader  = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	copyColumns = 13
	copyNull    = 0xffffffff // a length of -1
	copyTrailer = 0xffff     // a count of -1
	jsonbFormat = 1
)

// postgresEpoch is where timestamps are counted from, in microseconds.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// encode writes rows as COPY reads them, in the order of the columns above.
func encode(rows []row) []byte {
	size := len(copyHeader) + 2
	for i := range rows {
		size += 256 + len(rows[i].Properties) + len(rows[i].Context)
	}
	b := append(make([]byte, 0, size), copyHeader...)
	for i := range rows {
		r := &rows[i]
		b = binary.BigEndian.AppendUint16(b, copyColumns)
		b = appendInstant(b, r.occurredAt)
		b = appendInstant(b, r.receivedAt)
		b = appendText(b, r.Type)
		b = appendID(b, r.doer.ID)
		b = appendOptional(b, r.UserID)
		b = appendOptional(b, r.AnonymousID)
		b = appendOptional(b, r.GroupType)
		b = appendOptional(b, r.GroupID)
		b = appendText(b, r.source)
		b = appendText(b, r.MessageID)
		b = appendInstant(b, r.claimedAt)
		b = appendJSON(b, r.Properties)
		b = appendJSON(b, r.Context)
	}
	return binary.BigEndian.AppendUint16(b, copyTrailer)
}

func appendNull(b []byte) []byte { return binary.BigEndian.AppendUint32(b, copyNull) }

func appendInt64(b []byte, n int64) []byte {
	b = binary.BigEndian.AppendUint32(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(n))
}

// appendInstant writes null for the zero time.
func appendInstant(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return appendNull(b)
	}
	return appendInt64(b, t.UnixMicro()-postgresEpoch)
}

// appendID writes null for 0.
func appendID(b []byte, id int64) []byte {
	if id == 0 {
		return appendNull(b)
	}
	return appendInt64(b, id)
}

func appendText(b []byte, text string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}

// appendOptional writes null for the empty text.
func appendOptional(b []byte, text string) []byte {
	if text == "" {
		return appendNull(b)
	}
	return appendText(b, text)
}

func appendJSON(b, text []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)+1))
	b = append(b, jsonbFormat)
	return append(b, text...)
}
