package kafka_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/kafka"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func unavailable(err error) bool {
	f, ok := fault.Of(err)
	return ok && f.Code == fault.Unavailable
}

func TestVerdictsOfTheLog(t *testing.T) {
	brokers := startBrokers(t)
	h := &house{brokers: brokers, options: optionsOf(brokers)}
	producer := produce(t, h.options)
	list := items(t, "a", 3)
	list[1].Problem = fault.Input("event", "An event needs a name.")
	// By the sender's own clocks it happened in 1998.
	early, err := event.DecodeCall("track", []byte(`{"messageId":"early","event":"E","userId":"u","timestamp":"2001-01-01T00:00:00Z","sentAt":"2030-01-01T00:00:00Z"}`))
	if err != nil {
		t.Fatal(err)
	}
	verdicts, err := producer.Append(t.Context(), someTenant(t), "default", append(list, early))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range verdicts {
		got = append(got, fmt.Sprint(v.MessageID, " ", v.Status, " ", v.Field))
	}
	want := []string{"a-0 QUEUED ", "a-1 REJECTED event", "a-2 QUEUED ", "early REJECTED timestamp"}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("got %q, want %q", got, want)
	}
	h.records(t, h.options.Topic, 1)
}

func someTenant(t *testing.T) tenant.ID {
	t.Helper()
	id, err := tenant.New()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The largest of batches is more than a broker takes at once.
func TestALargeBatchIsSplit(t *testing.T) {
	brokers := startBrokers(t)
	h := &house{brokers: brokers, options: optionsOf(brokers)}
	producer := produce(t, h.options)
	list := items(t, "a", event.MaxBatchEvents)
	for i := range list {
		list[i].Properties = []byte(`{"text":"` + strings.Repeat("x", 300) + `"}`)
	}
	if _, err := producer.Append(t.Context(), someTenant(t), "default", list); err != nil {
		t.Fatal(err)
	}
	records := h.records(t, h.options.Topic, h.stored())
	if len(records) < 3 {
		t.Errorf("the batch came as %d records", len(records))
	}
	for _, r := range records {
		if len(r.Value) > 900_000 {
			t.Errorf("a record has %d bytes", len(r.Value))
		}
	}
}

// stored is how many records the topic has.
func (h *house) stored() (records int) {
	for _, p := range h.brokers.PartitionInfos(h.options.Topic) {
		records += int(p.HighWatermark)
	}
	return records
}

// Whatever the brokers do, what was acknowledged is in the log.
func TestBrokersThatFail(t *testing.T) {
	brokers := startBrokers(t)
	h := &house{brokers: brokers, options: optionsOf(brokers)}
	h.options.Deadline = 2 * time.Second
	producer := produce(t, h.options)
	id := someTenant(t)
	failures := []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend,
		kerr.TopicAuthorizationFailed, kerr.InvalidRecord, kerr.MessageTooLarge,
	}
	acknowledged, refused := map[string]bool{}, 0
	var mu sync.Mutex
	var sending sync.WaitGroup
	for sender := range 4 {
		sending.Go(func() {
			for n := range 15 {
				if sender == 0 {
					brokers.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: failures[n%len(failures)]})
				}
				list := items(t, fmt.Sprint(sender, "-", n), 3)
				verdicts, err := producer.Append(t.Context(), id, "default", list)
				mu.Lock()
				if err == nil {
					for _, v := range verdicts {
						acknowledged[v.MessageID] = v.Status == event.Queued
					}
				} else if refused++; !unavailable(err) {
					t.Errorf("refused with %v", err)
				}
				mu.Unlock()
			}
		})
	}
	sending.Wait()
	if refused == 0 || len(acknowledged) == 0 {
		t.Fatalf("%d requests were refused, %d events acknowledged", refused, len(acknowledged))
	}
	var there strings.Builder
	for _, r := range h.records(t, h.options.Topic, h.stored()) {
		there.Write(r.Value)
	}
	for id := range acknowledged {
		if !strings.Contains(there.String(), id) {
			t.Errorf("%s was acknowledged, and is not in the log", id)
		}
	}
}

func TestNoBrokers(t *testing.T) {
	brokers := startBrokers(t)
	options := optionsOf(brokers)
	options.Deadline = time.Second
	producer := produce(t, options)
	brokers.Close()
	if _, err := producer.Append(t.Context(), someTenant(t), "default", items(t, "a", 1)); !unavailable(err) {
		t.Errorf("without brokers: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := kafka.Ping(ctx, options); err == nil {
		t.Error("brokers that are gone answer")
	}
}
