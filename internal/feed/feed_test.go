package feed

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pglogrepl"

	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

func TestDecodeReadsWhatEncodeWrote(t *testing.T) {
	day := topic.Topic{Tenant: tenant.ID{1}, Subject: topic.Day, Key: "2026-05-01"}
	settings := topic.Topic{Tenant: tenant.ID{2}, Subject: topic.Tenant}
	for _, want := range []Message{{}, {Gap: true}, {Topics: []topic.Topic{day}}, {Topics: []topic.Topic{day, settings}, Gap: true}, {from: "L1", number: 7}, {from: "L1", number: 8, Topics: []topic.Topic{day}}} {
		got, err := decode(want.encode())
		if err != nil || !cmp.Equal(got, want, cmp.AllowUnexported(Message{})) {
			t.Errorf("decode(%q) = %v, %v; want %v", want.encode(), got, err, want)
		}
	}
	for _, bad := range []string{"nonsense\n", "gap\nnonsense\n", "\n", "number L1 x\n", "number\n"} {
		if got, err := decode(bad); err == nil {
			t.Errorf("decode(%q) = %v, want an error", bad, got)
		}
	}
}

func TestManyPersonsBecomeOneTopic(t *testing.T) {
	acme, globex := tenant.ID{1}, tenant.ID{2}
	told := topics{}
	told.add(topic.Topic{Tenant: acme, Subject: topic.Day, Key: "2026-05-01"})
	told.add(topic.Topic{Tenant: globex, Subject: topic.Person, Key: "1"})
	for range 2 { // the second time changes nothing
		for i := range maxTold {
			told.add(topic.Topic{Tenant: acme, Subject: topic.Person, Key: strconv.Itoa(i)})
		}
	}
	if len(told) != maxTold+2 {
		t.Errorf("%d topics, want each of %d persons told apart", len(told), maxTold)
	}
	for i := range 3 * maxTold {
		told.add(topic.Topic{Tenant: acme, Subject: topic.Person, Key: strconv.Itoa(i)})
	}
	told.add(topic.Topic{Tenant: acme, Subject: topic.Account, Key: "7"})
	want := topics{
		{Tenant: acme, Subject: topic.Day, Key: "2026-05-01"}:  {},
		{Tenant: acme, Subject: topic.Person, Key: topic.Many}: {},
		{Tenant: acme, Subject: topic.Account, Key: "7"}:       {},
		{Tenant: globex, Subject: topic.Person, Key: "1"}:      {},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}
}

// Which topics a row means is read off its columns; a deleted row has its key alone.
func TestARowMeansItsTopics(t *testing.T) {
	acme := tenant.ID{1}
	row := func(values ...string) *pglogrepl.TupleData {
		tuple := &pglogrepl.TupleData{}
		for _, v := range append([]string{acme.String()}, values...) {
			tuple.Columns = append(tuple.Columns, &pglogrepl.TupleDataColumn{Data: []byte(v)})
		}
		return tuple
	}
	for _, c := range []struct {
		table   string
		columns []string
		row     *pglogrepl.TupleData
		want    topics
	}{
		{"day_version", []string{"day"}, row("2026-05-01"), topics{{Tenant: acme, Subject: topic.Day, Key: "2026-05-01"}: {}}},
		{"tenant", []string{"name"}, row("Acme"), topics{{Tenant: acme, Subject: topic.Tenant}: {}, {Tenant: acme, Subject: topic.Gate}: {}, {Tenant: acme, Subject: topic.Terms}: {}}},
		{"archive_part", []string{"month"}, row("2026-05-01"), topics{{Tenant: acme, Subject: topic.Tenant}: {}, {Tenant: acme, Subject: topic.Terms}: {}}},
		{"identity", []string{"identity_id", "person_id"}, row("2", "1"), topics{{Tenant: acme, Subject: topic.Person, Key: "1"}: {}, {Tenant: acme, Subject: topic.Person, Key: "2"}: {}}},
		{"identity", []string{"identity_id", "person_id"}, row("2", ""), topics{{Tenant: acme, Subject: topic.Person, Key: "2"}: {}}},
		{"profile", []string{"subject", "subject_id"}, row("person", "2"), topics{{Tenant: acme, Subject: topic.Person, Key: "2"}: {}}},
		{"profile", []string{"subject", "subject_id"}, row("account", "2"), topics{{Tenant: acme, Subject: topic.Account, Key: "2"}: {}}},
		{"membership", []string{"account_id", "identity_id"}, row("3", "2"), topics{{Tenant: acme, Subject: topic.Account, Key: "3"}: {}, {Tenant: acme, Subject: topic.Person, Key: "2"}: {}}},
		{"nobody", []string{"x"}, row("1"), topics{}},
	} {
		relation := &pglogrepl.RelationMessage{RelationName: c.table}
		for _, name := range append([]string{"tenant_id"}, c.columns...) {
			relation.Columns = append(relation.Columns, &pglogrepl.RelationMessageColumn{Name: name})
		}
		s := &stream{tables: map[uint32]*table{1: tableOf(relation)}, topics: topics{}}
		if err := s.note(1, nil, c.row); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, s.topics); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.table, diff)
		}
	}
}

// A tenant's looks change nobody's rights, and what it is called no figures; what is not told, and
// any other column, may.
func TestAnUpdateOfATenantIsToldByWhatItChanges(t *testing.T) {
	acme := tenant.ID{1}
	row := func(name, zone, mode string) *pglogrepl.TupleData {
		return &pglogrepl.TupleData{Columns: []*pglogrepl.TupleDataColumn{{Data: []byte(acme.String())}, {Data: []byte(name)}, {Data: []byte(zone)}, {Data: []byte(mode)}}}
	}
	was := row("Acme", "UTC", "OPEN")
	toasted := row("Acme", "UTC", "")
	toasted.Columns[3].DataType = pglogrepl.TupleDataTypeToast
	for name, c := range map[string]struct {
		was, is *pglogrepl.TupleData
		want    []topic.Subject
	}{
		"its name":              {was, row("Acme Inc.", "UTC", "OPEN"), nil},
		"nothing":               {was, was, nil},
		"what is not sent":      {was, toasted, nil},
		"what figures go by":    {was, row("Acme", "Europe/Berlin", "OPEN"), []topic.Subject{topic.Terms}},
		"who is let in":         {was, row("Acme", "UTC", "TRUSTED_ONLY"), []topic.Subject{topic.Gate}},
		"all":                   {was, row("Acme Inc.", "Europe/Berlin", "TRUSTED_ONLY"), []topic.Subject{topic.Gate, topic.Terms}},
		"nobody knows what":     {nil, was, []topic.Subject{topic.Gate, topic.Terms}},
		"all, as it is deleted": {was, nil, []topic.Subject{topic.Gate, topic.Terms}},
		"a row of another form": {&pglogrepl.TupleData{Columns: was.Columns[:1]}, was, []topic.Subject{topic.Gate, topic.Terms}},
	} {
		relation := &pglogrepl.RelationMessage{RelationName: "tenant", Columns: []*pglogrepl.RelationMessageColumn{{Name: "tenant_id"}, {Name: "name"}, {Name: "zone"}, {Name: "document_mode"}}}
		s := &stream{tables: map[uint32]*table{1: tableOf(relation)}, topics: topics{}}
		if err := s.note(1, c.was, c.is); err != nil {
			t.Fatal(err)
		}
		want := topics{}
		for _, subject := range append(c.want, topic.Tenant) {
			want[topic.Topic{Tenant: acme, Subject: subject}] = struct{}{}
		}
		if diff := cmp.Diff(want, s.topics); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSlotNamesFitPostgreSQL(t *testing.T) {
	for database, want := range map[string]string{
		"tidemark":  "tidemark_tidemark",
		"My-Data.1": "tidemark_my_data_1",
		"":          "tidemark_",
	} {
		if got := Slot(database); got != want {
			t.Errorf("Slot(%q) = %q, want %q", database, got, want)
		}
	}
	if got := Slot(strings.Repeat("x", 100)); len(got) != 63 {
		t.Errorf("a long name gives %d characters, want 63", len(got))
	}
}

func TestTransactionIDsGetTheNearestEpoch(t *testing.T) {
	for _, c := range []struct {
		xid  uint32
		near uint64
		want uint64
	}{
		{7, 5, 7},
		{5, 7, 5},
		{3, 1<<32 - 2, 1<<32 + 3},
		{1<<32 - 2, 1<<32 + 3, 1<<32 - 2},
		{9, 5<<32 + 4, 5<<32 + 9},
	} {
		if got := withEpoch(c.xid, c.near); got != c.want {
			t.Errorf("withEpoch(%d, %d) = %d, want %d", c.xid, c.near, got, c.want)
		}
	}
}
