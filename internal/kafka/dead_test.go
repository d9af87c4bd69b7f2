package kafka_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// put writes a record past the producer.
func (h *house) put(t *testing.T, key string, value []byte) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(h.options.Brokers...), kgo.DefaultProduceTopic(h.options.Topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Key: []byte(key), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func reasonOf(record *kgo.Record) string {
	for _, header := range record.Headers {
		if header.Key == "reason" {
			return string(header.Value)
		}
	}
	return ""
}

// wantDead reads what was buried, and says why, in the order of the reasons given.
func (h *house) wantDead(t *testing.T, reasons ...string) []*kgo.Record {
	t.Helper()
	dead := h.records(t, h.options.Topic+".dead", len(reasons))
	for _, want := range reasons {
		found := false
		for _, record := range dead {
			found = found || strings.Contains(reasonOf(record), want)
		}
		if !found {
			t.Errorf("no record is dead because of %q", want)
		}
	}
	return dead
}

// Records that cannot be read, or belong to nobody, are put aside; those behind them are stored.
func TestRecordsThatCannotBeStored(t *testing.T) {
	h := open(t)
	acme := h.acme.ID.String()
	stranger, err := tenant.New()
	if err != nil {
		t.Fatal(err)
	}
	h.put(t, acme, []byte{99, 1, 2, 3})
	h.put(t, acme, nil)
	h.put(t, "not a tenant", []byte{1})
	h.put(t, acme, []byte(`{"event":"E","userId":"u"}`+strings.Repeat(" ", 900_000)))
	h.send(t, h.acme, items(t, "good", 10))
	if _, err := h.producer.Append(t.Context(), stranger, "default", items(t, "lost", 2)); err != nil {
		t.Fatal(err)
	}
	h.consume(t)
	wantCount(t, h.acme, 10)
	dead := h.wantDead(t, "version 99", "damaged", "no tenant", "version 123", "no such tenant")
	h.wantCommitted(t)
	for _, record := range dead {
		if string(record.Key) == acme && strings.Contains(reasonOf(record), "version 99") && string(record.Value) != string([]byte{99, 1, 2, 3}) {
			t.Errorf("the dead record is not what came: %v", record.Value)
		}
	}
}

// Two events under one id: in the direct mode the sender is told of the conflict. Here it was
// told before anybody could know, so the event is kept.
func TestConflictsAreKept(t *testing.T) {
	h := open(t)
	h.consume(t)
	h.send(t, h.acme, items(t, "a", 3))
	wantCount(t, h.acme, 3)
	other := items(t, "a", 1)
	other[0].UserID = "somebody else"
	h.send(t, h.acme, append(other, items(t, "b", 2)...))
	wantCount(t, h.acme, 5)
	dead := h.wantDead(t, "CONFLICT")

	// What was buried can be put back: here under the same id, so that it is buried again.
	h.put(t, h.acme.ID.String(), dead[0].Value)
	h.wantDead(t, "CONFLICT", "CONFLICT")
	wantCount(t, h.acme, 5)
}

// An event that the checks let pass and the database does not is put aside alone.
func TestAnEventThatTheDatabaseRefuses(t *testing.T) {
	h := open(t)
	h.Exec(t, `alter table event add constraint refuse check (type <> 'Bad')`)
	list := items(t, "a", 20)
	bad, err := event.DecodeCall("track", []byte(`{"messageId":"bad","event":"Bad","userId":"u","timestamp":"2026-05-01T12:00:00Z"}`))
	if err != nil {
		t.Fatal(err)
	}
	h.send(t, h.acme, append(append(list[:7:7], bad), list[7:]...))
	h.consume(t)
	wantCount(t, h.acme, 20)
	h.wantDead(t, "cannot be stored")
	h.wantCommitted(t)
}

// The plan that holds when events are stored decides on them: what it quarantines is in the
// quarantine, and what it rejects, though it was acknowledged, is put aside.
func TestEventsAgainstThePlan(t *testing.T) {
	h := open(t)
	h.acme.Manage(t, `mutation { saveTrackingPlan(plan: {events: [
		{type: "Type 0", onViolation: QUARANTINE, properties: [{name: "p", required: true}]},
		{type: "Type 1", onViolation: REJECT, properties: [{name: "p", required: true}]}]}) { plan { version } } }`, nil, &struct{}{})
	h.send(t, h.acme, items(t, "a", 9))
	lost := h.brokers.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: h.options.Group, Err: kerr.RebalanceInProgress, Count: -1})
	stop := h.consume(t)
	wantCount(t, h.acme, 3)
	h.wantDead(t, "REJECTED", "REJECTED", "REJECTED")
	stop()
	lost.Remove()
	h.consume(t)
	h.wantCommitted(t)
	var held, violations int
	h.Scan(t, "select (select count(*) from quarantined_event), (select sum(volume)::int from plan_violation)", nil, &held, &violations)
	if held != 3 || violations != 6 {
		t.Errorf("%d events are held and %d violations counted, want 3 and 6", held, violations)
	}
	wantCount(t, h.acme, 3)
}
