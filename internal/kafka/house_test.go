package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/kafka"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// patience bounds the wait for a fact.
const patience = 30 * time.Second

// house is brokers, and a database whose figures are asked over GraphQL.
type house struct {
	*served.Kit
	brokers      *kfake.Cluster
	options      kafka.Options
	producer     *kafka.Producer
	acme, globex *served.Tenant
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{Kit: served.Start(t), brokers: startBrokers(t)}
	h.options = optionsOf(h.brokers)
	h.acme, h.globex = h.Tenant(t, "Acme", "Europe/Berlin"), h.Tenant(t, "Globex", "America/New_York")
	h.producer = produce(t, h.options)
	return h
}

func startBrokers(t *testing.T) *kfake.Cluster {
	t.Helper()
	brokers, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(brokers.Close)
	return brokers
}

func optionsOf(brokers *kfake.Cluster) kafka.Options {
	return kafka.Options{
		Brokers: brokers.ListenAddrs(), Topic: "events", Group: "workers", Partitions: 3,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
}

// produce makes the topics, and a producer that runs until the test ends.
func produce(t *testing.T, options kafka.Options) *kafka.Producer {
	t.Helper()
	if err := kafka.Prepare(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	p, err := kafka.NewProducer(options)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Run(t, p.Run)
	return p
}

// consume runs a worker's part.
func (h *house) consume(t *testing.T) (stop func()) {
	t.Helper()
	return h.consumeAs(t, h.options)
}

func (h *house) consumeAs(t *testing.T, options kafka.Options) (stop func()) {
	t.Helper()
	return testkit.Run(t, kafka.NewConsumer(options, h.Node.Writer(event.WriterOptions{})).Run)
}

// items are checked events of ids that begin with name, spread over days and people.
func items(t *testing.T, name string, n int) []event.Item {
	t.Helper()
	list := make([]event.Item, n)
	for i := range list {
		at := time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC).Add(time.Duration(i) * 7 * time.Minute)
		body := fmt.Sprintf(`{"messageId":"%s-%d","event":"Type %d","userId":"u%d","timestamp":%q}`, name, i, i%3, i%40, at.Format(time.RFC3339))
		var err error
		if list[i], err = event.DecodeCall("track", []byte(body)); err != nil || list[i].Problem != nil {
			t.Fatal(err, list[i].Problem)
		}
	}
	return list
}

// send puts events into the log, as one batch of a tenant.
func (h *house) send(t *testing.T, who *served.Tenant, list []event.Item) {
	t.Helper()
	verdicts, err := h.producer.Append(t.Context(), who.ID, "default", list)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Status != event.Queued {
			t.Fatalf("%+v", v)
		}
	}
}

func count(t *testing.T, who *served.Tenant) int {
	t.Helper()
	var answer struct{ Events struct{ Count int } }
	who.Query(t, `{ events(range: {from: "2024-01-01T00:00:00Z", to: "2028-01-01T00:00:00Z"}) { count } }`, nil, &answer)
	return answer.Events.Count
}

// until waits for a fact.
func until(t *testing.T, what string, fact func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); !fact(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

// wantCount waits until a tenant has as many events, and fails if it ever has more.
func wantCount(t *testing.T, who *served.Tenant, want int) {
	t.Helper()
	until(t, fmt.Sprintf("there are %d events", want), func() bool {
		got := count(t, who)
		if got > want {
			t.Fatalf("there are %d events, want %d", got, want)
		}
		return got == want
	})
}

// wantCommitted waits until the group knows that all that is in the topic is stored.
func (h *house) wantCommitted(t *testing.T) {
	t.Helper()
	until(t, "all offsets are committed", func() bool {
		commits := h.brokers.GroupInfo(h.options.Group).Commits[h.options.Topic]
		for i, p := range h.brokers.PartitionInfos(h.options.Topic) {
			if p.HighWatermark > 0 && commits[int32(i)].Offset != p.HighWatermark {
				return false
			}
		}
		return true
	})
}

// forgetMessages makes the database forget every message id at once, so that nothing but the
// offsets keeps a record from being stored twice.
func (h *house) forgetMessages(t *testing.T) {
	t.Helper()
	h.Exec(t, `
		create function forget_message() returns trigger language plpgsql security definer as $$
		begin
			delete from public.message where tenant_id = new.tenant_id and message_key = new.message_key;
			return null;
		end $$`)
	h.Exec(t, `create trigger forget after insert on message for each row execute function forget_message()`)
}

// records reads a topic from its start, as many records as it has.
func (h *house) records(t *testing.T, topic string, n int) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(h.options.Brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var found []*kgo.Record
	for len(found) < n && ctx.Err() == nil {
		found = append(found, client.PollFetches(ctx).Records()...)
	}
	if len(found) != n {
		t.Fatalf("%s has %d records, want %d", topic, len(found), n)
	}
	return found
}
