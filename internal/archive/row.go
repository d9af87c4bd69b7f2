package archive

import (
	"encoding/binary"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// row is an event as a file has it. docs/operations.md tells readers of these columns.
type row struct {
	OccurredAt  int64   `parquet:"occurred_at,timestamp(microsecond:utc),delta"`
	EventID     int64   `parquet:"event_id,delta"`
	ReceivedAt  int64   `parquet:"received_at,timestamp(microsecond:utc),delta"`
	Type        string  `parquet:"type,dict"`
	IdentityID  *int64  `parquet:"identity_id,optional"`
	GroupType   *string `parquet:"group_type,optional,dict"`
	GroupID     *string `parquet:"group_id,optional"`
	UserID      *string `parquet:"user_id,optional"`
	AnonymousID *string `parquet:"anonymous_id,optional"`
	Source      string  `parquet:"source,dict"`
	MessageID   string  `parquet:"message_id"`
	ClaimedAt   *int64  `parquet:"claimed_at,optional,timestamp(microsecond:utc)"`
	Properties  string  `parquet:"properties,json"`
	Context     string  `parquet:"context,json"`
}

// key is the part of a row by which it is found in the database.
type key struct {
	OccurredAt int64 `parquet:"occurred_at,timestamp(microsecond:utc),delta"`
	EventID    int64 `parquet:"event_id,delta"`
}

// who is the part of a row that an erasure looks at.
type who struct {
	OccurredAt int64  `parquet:"occurred_at,timestamp(microsecond:utc),delta"`
	Type       string `parquet:"type,dict"`
	IdentityID *int64 `parquet:"identity_id,optional"`
}

func fromDatabase(e dbsqlc.ArchiveEventPageRow) row {
	r := row{
		OccurredAt: e.OccurredAt.UnixMicro(), EventID: e.EventID, ReceivedAt: e.ReceivedAt.UnixMicro(), Type: e.Type,
		GroupType: e.GroupType, GroupID: e.GroupID, UserID: e.UserID, AnonymousID: e.AnonymousID,
		Source: e.Source, MessageID: e.MessageID, Properties: e.Properties, Context: e.Context,
	}
	if e.IdentityID.Valid {
		r.IdentityID = &e.IdentityID.Int64
	}
	if e.ClaimedAt != nil {
		micros := e.ClaimedAt.UnixMicro()
		r.ClaimedAt = &micros
	}
	return r
}

func (r row) toDatabase(id tenant.ID) dbsqlc.ArchiveEventRestoreParams {
	p := dbsqlc.ArchiveEventRestoreParams{
		TenantID: id, OccurredAt: instant(r.OccurredAt), EventID: r.EventID, ReceivedAt: instant(r.ReceivedAt), Type: r.Type,
		GroupType: r.GroupType, GroupID: r.GroupID, UserID: r.UserID, AnonymousID: r.AnonymousID,
		Source: r.Source, MessageID: r.MessageID, Properties: []byte(r.Properties), Context: []byte(r.Context),
	}
	if r.IdentityID != nil {
		p.IdentityID = pgtype.Int8{Int64: *r.IdentityID, Valid: true}
	}
	if r.ClaimedAt != nil {
		at := instant(*r.ClaimedAt)
		p.ClaimedAt = &at
	}
	return p
}

func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// size is about what the row takes in memory.
func (r row) size() int {
	n := 120 + len(r.Type) + len(r.Source) + len(r.MessageID) + len(r.Properties) + len(r.Context)
	for _, text := range []*string{r.GroupType, r.GroupID, r.UserID, r.AnonymousID} {
		if text != nil {
			n += len(*text)
		}
	}
	return n
}

// sum is what a set of rows comes to, in whatever order they are added.
type sum struct {
	Events      int64
	Checksum    int64 // of 64-bit hashes, modulo 2^64
	First, Last int64 // microseconds since 1970
	scratch     []byte
}

func (s *sum) add(id tenant.ID, r row) {
	s.scratch = r.canonical(append(s.scratch[:0], id[:]...))
	s.Checksum += int64(xxhash.Sum64(s.scratch))
	if s.Events == 0 || r.OccurredAt < s.First {
		s.First = r.OccurredAt
	}
	if s.Events == 0 || r.OccurredAt > s.Last {
		s.Last = r.OccurredAt
	}
	s.Events++
}

// canonical appends the columns so that two rows are written alike only if they are equal:
// each value has its length before it, and null is no length.
func (r row) canonical(to []byte) []byte {
	number := func(v *int64) {
		if v == nil {
			to = append(to, 0)
			return
		}
		to = binary.BigEndian.AppendUint64(append(to, 1), uint64(*v))
	}
	text := func(v *string) {
		if v == nil {
			to = append(to, 0)
			return
		}
		to = append(binary.AppendUvarint(append(to, 1), uint64(len(*v))), *v...)
	}
	number(&r.OccurredAt)
	number(&r.EventID)
	number(&r.ReceivedAt)
	text(&r.Type)
	number(r.IdentityID)
	for _, v := range []*string{r.GroupType, r.GroupID, r.UserID, r.AnonymousID, &r.Source, &r.MessageID} {
		text(v)
	}
	number(r.ClaimedAt)
	text(&r.Properties)
	text(&r.Context)
	return to
}
