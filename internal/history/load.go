package history

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// What is read as a whole comes by COPY in the binary format (PostgreSQL documentation, COPY),
// which takes a third of the time of rows that are asked for. The view names what is read.
const (
	copyActivity = `copy (
  select event_id, occurred_at, type, identity_id, person_id, account_id from activity
) to stdout (format binary)`
	copyNarrowed = `copy (
  select event_id, occurred_at, type, identity_id, person_id, account_id from narrowed.activity
) to stdout (format binary)`
)

// load reads all columns of the transaction's tenant; at most so many rows.
func load(ctx context.Context, tx pgx.Tx, sql string, most int) (*Columns, error) {
	c := newColumns()
	in := &copied{row: func(fields [][]byte) error {
		if c.Rows() == most {
			return errTooMany
		}
		c.add(entryOf(fields))
		return nil
	}}
	if _, err := tx.Conn().PgConn().CopyTo(ctx, in, sql); err != nil {
		if errors.Is(err, errTooMany) {
			return nil, errTooMany
		}
		return nil, fmt.Errorf("read histories: %w", err)
	}
	c.sort()
	return c, nil
}

var errTooMany = fault.New(fault.BadUserInput, "There are more events than this server holds in memory for such questions; TIDEMARK_HISTORY_MEMORY says how many.")

// entryOf reads the fields of a row.
func entryOf(f [][]byte) entry {
	return entry{
		id: integer(f[0]), at: instant(f[1]), kind: f[2],
		identity: integer(f[3]), person: integer(f[4]), account: integer(f[5]),
	}
}

func integer(field []byte) int64 {
	if field == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(field)) //nolint:gosec // as PostgreSQL writes it
}

// epoch is 2000-01-01, from which PostgreSQL counts, in microseconds of the Unix epoch.
const epoch = 946_684_800_000_000

func instant(field []byte) int64 { return integer(field) + epoch }

// copied takes COPY's binary format apart as it comes in, and gives one row after the other.
// What a row's fields are holds until the next one.
type copied struct {
	row    func(fields [][]byte) error
	rest   []byte
	begun  bool
	fields [][]byte
}

// header is the signature, which the flags and the length of an extension follow.
var header = []byte("PGCOPY\n\xff\r\n\x00")

// Write implements [io.Writer].
func (c *copied) Write(data []byte) (int, error) {
	n := len(data)
	if len(c.rest) > 0 {
		data = append(c.rest, data...)
	}
	if !c.begun {
		if len(data) < len(header)+8 {
			c.rest = bytes.Clone(data)
			return n, nil
		}
		if !bytes.HasPrefix(data, header) {
			return 0, errors.New("this is not COPY's binary format")
		}
		data, c.begun = data[len(header)+8:], true
	}
	for {
		size := c.cut(data)
		if size == 0 {
			break
		}
		if err := c.row(c.fields); err != nil {
			return 0, err
		}
		data = data[size:]
	}
	c.rest = append(c.rest[:0:0], data...)
	return n, nil
}

// cut finds the fields of the row that data begins with, and how long it is; 0: it has not come
// as a whole, or is the end.
func (c *copied) cut(data []byte) int {
	const end = math.MaxUint16 // -1 fields
	if len(data) < 2 {
		return 0
	}
	count := binary.BigEndian.Uint16(data)
	if count == end {
		return 0
	}
	c.fields = c.fields[:0]
	at := 2
	for range count {
		if len(data) < at+4 {
			return 0
		}
		size := int(int32(binary.BigEndian.Uint32(data[at:]))) //nolint:gosec // -1 is null
		at += 4
		if size < 0 {
			c.fields = append(c.fields, nil)
			continue
		}
		if len(data) < at+size {
			return 0
		}
		c.fields = append(c.fields, data[at:at+size])
		at += size
	}
	return at
}
