package archive

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// What docs/operations.md tells readers of the files.
func TestTheSchemaIsTheDocumentedOne(t *testing.T) {
	const want = `message row {
	required int64 occurred_at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	required int64 event_id (INT(64,true));
	required int64 received_at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	required binary type (STRING);
	optional int64 identity_id (INT(64,true));
	optional binary group_type (STRING);
	optional binary group_id (STRING);
	optional binary user_id (STRING);
	optional binary anonymous_id (STRING);
	required binary source (STRING);
	required binary message_id (STRING);
	optional int64 claimed_at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	required binary properties (JSON);
	required binary context (JSON);
}`
	if diff := cmp.Diff(want, parquet.SchemaOf(row{}).String()); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

// Equal columns give equal sums, and a value that moves to its neighbour does not.
func TestTheChecksumTellsRowsApart(t *testing.T) {
	text, empty, one := "a", "", int64(1)
	rows := []row{
		{}, {Type: "a"}, {Source: "a"}, {UserID: &text}, {AnonymousID: &text}, {UserID: &empty}, {AnonymousID: &empty},
		{IdentityID: new(int64)}, {IdentityID: &one}, {ClaimedAt: &one}, {EventID: 1}, {OccurredAt: 1}, {ReceivedAt: 1},
		{Properties: "{}"}, {Context: "{}"}, {GroupType: &text}, {GroupID: &text}, {MessageID: "a"}, {Type: "a", Source: "a"},
	}
	seen := map[int64]int{}
	for i, r := range rows {
		var s sum
		s.add([16]byte{1}, r)
		if other, ok := seen[s.Checksum]; ok {
			t.Errorf("rows %d and %d have one checksum", i, other)
		}
		seen[s.Checksum] = i
	}
	var forth, back, stranger sum
	for i := range rows {
		forth.add([16]byte{1}, rows[i])
		back.add([16]byte{1}, rows[len(rows)-1-i])
		stranger.add([16]byte{2}, rows[i])
	}
	if forth.Checksum != back.Checksum || forth.Checksum == stranger.Checksum {
		t.Error("the checksum depends on the order, or not on the tenant")
	}
}

// A file of many rows has row groups of bounded size, whatever a row weighs.
func TestRowGroupsAreBounded(t *testing.T) {
	a := New(nil, nil, nil, Options{TempDir: t.TempDir()})
	file, err := a.spool()
	if err != nil {
		t.Fatal(err)
	}
	defer unspool(file)
	var p Part
	w := newFileWriter(file, p)
	heavy := make([]byte, 32<<10)
	for i := range heavy {
		heavy[i] = byte('a' + i*i%26)
	}
	for i := range 30 {
		rows := make([]row, 100)
		for j := range rows {
			rows[j] = row{EventID: int64(i*100 + j), Properties: string(heavy)}
		}
		if err := w.write(rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(&p); err != nil {
		t.Fatal(err)
	}
	opened, err := parquet.OpenFile(file, p.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if groups := opened.RowGroups(); len(groups) < 3 || p.Events != 3000 {
		t.Errorf("%d events in %d row groups", p.Events, len(groups))
	}
	if err := recount(p, file); err != nil {
		t.Error(err)
	}
}
