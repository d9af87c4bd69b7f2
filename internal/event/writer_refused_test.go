package event_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// A value that the server refuses, and that no check has found, costs its own event only:
// not its batch, not the others of the group, and no count.
func TestAPoisonedEventTakesNobodyAlong(t *testing.T) {
	h := newHouse(t)
	h.Exec(t, "alter table event add constraint antidote check (type <> 'poison')")
	acme := h.Tenant(t, "Europe/Berlin")
	w := event.NewWriter(h.App, event.WriterOptions{})

	items := some(t, "m", 9)
	poison := func(id string) event.Item { return did(t, id, "poison", "eve", noon) }
	calls := [][]event.Item{
		{items[0], items[1]},
		{items[2], poison("p1"), items[3], items[0], poison("p2")},
		{poison("p3")},
		{items[4], items[5], items[6], items[7], items[8], poison("p1")},
	}
	want := [][]event.Status{
		{accepted, accepted},
		{accepted, rejected, accepted, duplicate, rejected},
		{rejected},
		{accepted, accepted, accepted, accepted, accepted, rejected},
	}
	var waiting []<-chan reply
	for _, call := range calls {
		waiting = append(waiting, offer(t, w, acme, call...))
	}
	testkit.Run(t, w.Run)
	for i, answer := range waiting {
		got := <-answer
		if statuses := got.statuses(t); !slices.Equal(statuses, want[i]) {
			t.Errorf("call %d: %v, want %v", i, statuses, want[i])
		}
		for _, v := range got.verdicts {
			if v.Status == rejected && (v.Field != "event" || v.Reason != "The event has a value that cannot be stored.") {
				t.Errorf("call %d: %+v", i, v)
			}
		}
	}
	h.wantEvents(t, acme, 9)
}

// What passes the checks, PostgreSQL takes: a refusal by the server costs a transaction of
// everyone in the group.
func TestPostgreSQLTakesWhatTheChecksPass(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "Africa/Cairo")
	w := h.writer(t, event.WriterOptions{})
	widest := strings.Repeat("\U0010ffff", 200)
	deepest := strings.Repeat(`{"a":`, 31) + `{}` + strings.Repeat("}", 31)
	var many []string
	for i := range 2_500 {
		many = append(many, fmt.Sprintf(`"%d":%d`, i, i))
	}
	cases := []event.Incoming{
		{Type: widest, UserID: widest, AnonymousID: widest, MessageID: widest},
		{Type: "\u2028\ufffe\uffff\u0001", UserID: "\u202e"},
		{Type: "first", UserID: "u", Timestamp: event.Earliest},
		{Type: "last", UserID: "u", Timestamp: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.FixedZone("", -86_340))},
		{Type: "clock", UserID: "u", Timestamp: noon, SentAt: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)},
		{Type: "deep", UserID: "u", Properties: []byte(deepest), Context: []byte(deepest)},
		{Type: "many", UserID: "u", Properties: []byte("{" + strings.Join(many, ",") + "}")},
		{Type: "names", UserID: "u", Properties: []byte(`{"":"","` + strings.Repeat("k", 30_000) + `":"\ud83d\ude00\u0001\u2028"}`)},
	}
	for _, number := range []string{
		"-0", "0.0", "5e-324", "1.7976931348623157e308", "-1.7976931348623157E+308", "1e-400", "1e-20000", "-1e-2147483648",
		"1." + strings.Repeat("0", 20_000), "0." + strings.Repeat("0", 20_000) + "1", strings.Repeat("9", 308), "0e99999",
	} {
		cases = append(cases, event.Incoming{Type: "number", UserID: "u", Properties: []byte(`{"n":[` + number + `]}`)})
	}
	for _, e := range cases {
		if e.Check() != nil {
			continue // refused in time
		}
		if got := send(t, w, acme, event.Item{Incoming: e}); got.err != nil || got.verdicts[0].Status != accepted {
			t.Errorf("%.40q %.40s: %v, %v", e.Type, e.Properties, got.verdicts, got.err)
		}
	}
	h.wantRecount(t, acme)
}
