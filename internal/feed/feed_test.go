package feed

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

func TestDecodeReadsWhatEncodeWrote(t *testing.T) {
	day := topic.Topic{Tenant: tenant.ID{1}, Subject: topic.Day, Key: "2026-05-01"}
	settings := topic.Topic{Tenant: tenant.ID{2}, Subject: topic.Tenant}
	for _, want := range []Message{{}, {Gap: true}, {Topics: []topic.Topic{day}}, {Topics: []topic.Topic{day, settings}, Gap: true}} {
		got, err := decode(want.encode())
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("decode(%q) = %v, %v; want %v", want.encode(), got, err, want)
		}
	}
	for _, bad := range []string{"nonsense\n", "gap\nnonsense\n", "\n"} {
		if got, err := decode(bad); err == nil {
			t.Errorf("decode(%q) = %v, want an error", bad, got)
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
