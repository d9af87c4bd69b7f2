package kafka_test

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestWhatIsQueuedIsCounted(t *testing.T) {
	h := open(t)
	h.send(t, h.acme, items(t, "before", 30)) // before anybody consumes
	h.consume(t)
	wantCount(t, h.acme, 30)
	h.send(t, h.acme, items(t, "after", 2500))
	h.send(t, h.acme, items(t, "after", 20)) // the same again, under the same ids
	wantCount(t, h.acme, 2530)
	h.wantCommitted(t)
	wantCount(t, h.acme, 2530)
	wantCount(t, h.globex, 0)
	h.send(t, h.globex, items(t, "before", 3))
	wantCount(t, h.globex, 3)
	wantCount(t, h.acme, 2530)
}

// A worker dies after it has stored records, and before Kafka knows.
func TestOffsetsThatWereNotCommitted(t *testing.T) {
	h := open(t)
	h.forgetMessages(t)
	lost := h.brokers.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: h.options.Group, Err: kerr.RebalanceInProgress, Count: -1})
	stop := h.consume(t)
	h.send(t, h.acme, items(t, "one", 50))
	wantCount(t, h.acme, 50)
	stop()
	if commits := h.brokers.GroupInfo(h.options.Group).Commits[h.options.Topic]; len(commits) > 0 {
		t.Fatalf("offsets were committed: %v", commits)
	}
	lost.Remove()

	h.consume(t) // reads everything again
	h.send(t, h.acme, items(t, "two", 7))
	wantCount(t, h.acme, 57)
	h.wantCommitted(t)
	wantCount(t, h.acme, 57)
}

// Workers who do not know of each other hold the same records at the same time, as one does
// who was taken for dead and goes on.
func TestTwoHoldTheSameRecords(t *testing.T) {
	h := open(t)
	h.forgetMessages(t)
	other := h.options
	other.Group = "zombies"
	h.consume(t)
	h.consumeAs(t, other)
	const batches, size = 60, 20
	for i := range batches {
		h.send(t, h.acme, items(t, fmt.Sprint("a", i), size))
		h.send(t, h.globex, items(t, fmt.Sprint("g", i), 1))
	}
	wantCount(t, h.acme, batches*size)
	wantCount(t, h.globex, batches)
	h.wantCommitted(t)
	h.options = other
	h.wantCommitted(t)
	wantCount(t, h.acme, batches*size)
	wantCount(t, h.globex, batches)
}

func TestWorkersComeAndGo(t *testing.T) {
	h := open(t)
	h.forgetMessages(t)
	for i := range 8 { // tenants for every partition
		h.send(t, h.Tenant(t, fmt.Sprint("Other ", i), "UTC"), items(t, "x", 5))
	}
	sent := 0
	send := func() {
		for range 20 {
			sent++
			h.send(t, h.acme, items(t, fmt.Sprint("n", sent), 10))
		}
	}
	first := h.consume(t)
	send()
	second := h.consume(t)
	h.wantMembers(t, 2)
	send()
	first()
	send()
	third := h.consume(t)
	send()
	second()
	third()
	send()
	h.consume(t)
	wantCount(t, h.acme, sent*10)
	h.wantCommitted(t)
	wantCount(t, h.acme, sent*10)
	var all int
	h.Scan(t, "select count(*) from event", nil, &all)
	if want := sent*10 + 8*5; all != want {
		t.Errorf("%d events are stored, want %d", all, want)
	}
}

func (h *house) wantMembers(t *testing.T, members int) {
	t.Helper()
	if _, err := h.brokers.WaitGroupStable(t.Context(), h.options.Group, members); err != nil {
		t.Fatal(err)
	}
}

// A topic that is made anew counts its records from 0 again; they are others.
func TestTheTopicIsMadeAnew(t *testing.T) {
	h := open(t)
	stop := h.consume(t)
	h.send(t, h.acme, items(t, "old", 5))
	h.send(t, h.acme, items(t, "older", 5))
	wantCount(t, h.acme, 10)
	stop()
	if err := h.brokers.DeleteTopic(h.options.Topic); err != nil {
		t.Fatal(err)
	}
	h.options.Group = "others" // a deleted topic's offsets go with it, sooner or later
	h.producer = produce(t, h.options)
	h.consume(t)
	h.send(t, h.acme, items(t, "new", 5))
	wantCount(t, h.acme, 15)
}

// The database refuses for a while. The records wait, and others do too; nothing is lost.
func TestTheDatabaseIsAway(t *testing.T) {
	h := open(t)
	h.consume(t)
	h.send(t, h.acme, items(t, "a", 5))
	wantCount(t, h.acme, 5)
	h.Exec(t, `alter table ingest_offset rename to hidden`)
	h.send(t, h.acme, items(t, "b", 5))
	h.send(t, h.globex, items(t, "b", 5))
	h.Exec(t, `alter table hidden rename to ingest_offset`)
	wantCount(t, h.acme, 10)
	wantCount(t, h.globex, 5)
	h.wantCommitted(t)
}
