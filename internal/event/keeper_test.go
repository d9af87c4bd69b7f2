package event_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// partitions counts those of the month that lies so many months from the current one.
const partitions = `
	select count(*) from pg_inherits
	where inhparent = 'event'::regclass
	and inhrelid::regclass::text = 'event_' || to_char(date_trunc('month', now() at time zone 'UTC') + make_interval(months => $1), 'YYYYMM')`

func TestPartitionsAreThereBeforeTheyAreNeeded(t *testing.T) {
	h := newHouse(t)
	keeper := event.NewKeeper(h.Worker)
	for range 2 { // the second time it finds nothing to do
		if err := keeper.MakePartitions(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for ahead, want := range map[int]int{-1: 0, 0: 1, 1: 1, 2: 1, 3: 0} {
		if n := h.Number(t, partitions, ahead); n != want {
			t.Errorf("%d partitions %d months ahead, want %d", n, ahead, want)
		}
	}
}

// The app may make partitions, since it owns none: but of months that events can be in.
func TestPartitionsAreMadeOfMonthsThatEventsCanBeIn(t *testing.T) {
	h := newHouse(t)
	const ensure = "select event_partition_ensure($1::text::date)::int"
	for i, month := range []string{"2000-01-01", "2026-02-17", "2026-02-28"} { // the last is there already
		if made := h.Number(t, ensure, month); made != []int{1, 1, 0}[i] {
			t.Errorf("%s: made %d", month, made)
		}
	}
	nextYear := time.Now().AddDate(1, 1, 0).Format(time.DateOnly)
	for _, month := range []string{"1999-12-31", "0001-01-01", "4713-01-01 BC", nextYear, "9999-12-01", "infinity", "-infinity"} {
		var made bool
		err := h.Owner.QueryRow(t.Context(), "select event_partition_ensure($1::text::date)", month).Scan(&made)
		if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != "23514" {
			t.Errorf("%s: made %v, %v; want a check violation", month, made, err)
		}
	}
}

func TestEventsGoToThePartitionOfTheirMonth(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "America/New_York")
	w := h.writer(t, event.WriterOptions{})
	may := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	batch := []event.Item{
		did(t, "a", "Login", "ann", may.Add(-time.Microsecond)), did(t, "b", "Login", "ann", may),
		did(t, "c", "Login", "ann", event.Earliest),
	}
	for _, item := range append(batch, batch...) { // one by one: what was made is found again
		send(t, w, acme, item).statuses(t)
	}
	for table, want := range map[string]int{"event_202604": 1, "event_202605": 1, "event_200001": 1} {
		if n := h.Number(t, "select count(*) from "+table); n != want {
			t.Errorf("%d events in %s, want %d", n, table, want)
		}
	}
	h.wantEvents(t, acme, 3)
}

func TestMessagesAreForgottenOnceTheyAreOldEnough(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	w, keeper := h.writer(t, event.WriterOptions{}), event.NewKeeper(h.Worker)
	old, young := did(t, "old", "Login", "ann", noon), did(t, "young", "Login", "ann", noon)
	send(t, w, acme, old).statuses(t)
	// As many as take several rounds, all of them past their time.
	h.Exec(t, `
		insert into message (tenant_id, message_key, fingerprint)
		select tenant_id, gen_random_uuid(), n from message, generate_series(1, 45000) n`)
	h.Exec(t, "update message set received_at = now() - $1::interval", event.RememberFor+time.Minute)
	send(t, w, acme, young).statuses(t)
	h.Exec(t, "update message set received_at = now() - $1::interval where received_at = (select max(received_at) from message)", event.RememberFor-time.Minute)

	if err := keeper.ForgetMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := h.Number(t, "select count(*) from message"); n != 1 {
		t.Errorf("%d messages are remembered, want the young one", n)
	}
	if got := send(t, w, acme, young, old).statuses(t); got[0] != duplicate || got[1] != accepted {
		t.Errorf("young and old, sent again: %v", got)
	}
	if seven := 7 * 24 * time.Hour; event.RememberFor <= seven {
		t.Errorf("ids are remembered for %v, want more than %v", event.RememberFor, seven)
	}
}
