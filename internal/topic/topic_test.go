package topic

import (
	"context"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

var (
	acme   = tenant.ID{1}
	globex = tenant.ID{2}
)

func TestParseReadsWhatStringWrote(t *testing.T) {
	for _, want := range []Topic{{acme, Day, "2026-05-01"}, {acme, Tenant, ""}, {globex, APIKey, "a/b"}} {
		got, err := Parse(want.String())
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v", want, got, err)
		}
	}
	for _, bad := range []string{"", "x", acme.String(), acme.String() + "/day", "nobody/day/1"} {
		if got, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", bad, got)
		}
	}
}

func TestSpanHoldsItsKeysAndNoStranger(t *testing.T) {
	may := Span{acme, Day, "2026-05-01", "2026-05-31"}
	cases := []struct {
		topic Topic
		want  bool
	}{
		{Topic{acme, Day, "2026-05-01"}, true},
		{Topic{acme, Day, "2026-05-31"}, true},
		{Topic{acme, Day, "2026-04-30"}, false},
		{Topic{acme, Day, "2026-06-01"}, false},
		{Topic{globex, Day, "2026-05-10"}, false},
		{Topic{acme, Tenant, "2026-05-10"}, false},
		{Topic{acme, Day, Many}, true},
		{Topic{globex, Day, Many}, false},
		{Topic{acme, Person, Many}, false},
	}
	for _, c := range cases {
		if got := may.Holds(c.topic); got != c.want {
			t.Errorf("%v holds %v: %v, want %v", may, c.topic, got, c.want)
		}
	}
}

func TestAllHoldsEveryKey(t *testing.T) {
	for _, key := range []string{"", "0", "9223372036854775807", Many, "z"} {
		if !All(acme, Person).Holds(Topic{acme, Person, key}) {
			t.Errorf("all persons don't hold %q", key)
		}
	}
}

func TestRecordKeepsSpansAndTheEarliestEnd(t *testing.T) {
	Note(context.Background(), Exactly(acme, Tenant, "")) // nobody listens: nothing happens
	ctx, readings := Record(context.Background())
	Note(ctx, Exactly(acme, Tenant, ""))
	Note(ctx, Exactly(acme, Tenant, ""))
	NoteUntil(ctx, noon.Add(time.Hour))
	NoteUntil(ctx, noon)
	NoteUntil(ctx, noon.Add(time.Minute))
	if got := readings.Spans(); len(got) != 1 || got[0] != Exactly(acme, Tenant, "") {
		t.Errorf("spans = %v", got)
	}
	if !readings.Until().Equal(noon) {
		t.Errorf("until = %v, want %v", readings.Until(), noon)
	}
}
