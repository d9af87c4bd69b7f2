package scenario_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

func startBrokers(t *testing.T) *kfake.Cluster {
	t.Helper()
	brokers, err := kfake.NewCluster(kfake.NumBrokers(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(brokers.Close)
	return brokers
}

// beginWithLog is begin where events go through a log.
func beginWithLog(t *testing.T, brokers *kfake.Cluster) story {
	t.Helper()
	kit := served.StartOn(t, testkit.Database(t), func(c *tidemark.Config) {
		c.Ingest = "kafka"
		c.Kafka = tidemark.KafkaConfig{Brokers: brokers.ListenAddrs(), Topic: "tidemark.events", Group: "tidemark", Partitions: 3}
		if err := c.Check(true, true); err != nil {
			t.Fatal(err)
		}
	})
	return story{kit, kit.Tenant(t, "Acme", "Europe/Berlin"), kit.Tenant(t, "Globex", "America/New_York")}
}

// waitCount waits until the figures are those of a count by hand.
func (s story) waitCount(t *testing.T, events, users int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); ; {
		e, u := count(t, s.acme)
		if e == events && u == users {
			break
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("Acme has %d events of %d users, want %d of %d", e, u, events, users)
		}
	}
	s.wantStrangerEmpty(t)
}

// With a log between servers and workers, senders are answered once their events are in it, and
// the figures follow, live ones as well.
func TestEventsGoThroughALog(t *testing.T) {
	s := beginWithLog(t, startBrokers(t))
	query := live(`events(` + ever + `) { count }`)
	socket := s.kit.Connect(t, s.acme.ReadKey)
	w := socketWatcher{socket, socket.Subscribe(t, query)}
	wantNext(t, w, `"count":0`)

	wantVerdicts(t, s.acme.Batch(t,
		event("m1", "Opened", "u1", noon), event("m2", "", "u1", noon), event("m3", "Opened", "u2", noon), event("m1", "Opened", "u1", noon),
	), "QUEUED", "REJECTED", "QUEUED", "QUEUED")
	s.waitCount(t, 2, 2)
	until(t, w, `"count":2`)

	reply := s.kit.Do(t, http.MethodPost, "/v1/track", s.acme.WriteKey, `{"messageId":"m4","event":"Paid","userId":"u3","timestamp":"`+noon+`"}`)
	wantEqual(t, "status of a tracked event", reply.Status, http.StatusOK)
	reply = s.kit.Do(t, http.MethodPost, "/v1/track", s.acme.WriteKey, `{"event":"","userId":"u3"}`)
	wantEqual(t, "status of a rejected event", reply.Status, http.StatusBadRequest)
	s.waitCount(t, 3, 3)

	var result struct {
		IngestEvents struct {
			Accepted, Queued, Rejected int
			Verdicts                   []served.Verdict
		}
	}
	answer := s.kit.Ask(t, s.acme.WriteKey, `mutation ($events: [EventInput!]!) {
		ingestEvents(events: $events) { accepted queued rejected verdicts { messageId status field reason } } }`,
		map[string]any{"events": []input{inputOf("m4", "Paid", "u3"), inputOf("m5", "Paid", "u4"), inputOf("m6", "", "u4")}})
	served.Reply{Body: answer.Data}.Decode(t, &result)
	wantVerdicts(t, result.IngestEvents.Verdicts, "QUEUED", "QUEUED", "REJECTED")
	wantEqual(t, "queued", result.IngestEvents.Queued, 2)
	wantEqual(t, "rejected", result.IngestEvents.Rejected, 1)
	s.waitCount(t, 4, 4)
	wantRecounted(t, s.kit)
}

// Brokers that refuse: no request gets a 2xx, queries go on, and so does ingest afterwards.
func TestTheLogIsAway(t *testing.T) {
	brokers := startBrokers(t)
	s := beginWithLog(t, brokers)
	wantVerdicts(t, s.acme.Batch(t, event("m1", "Opened", "u1", noon)), "QUEUED")
	s.waitCount(t, 1, 1)
	away := brokers.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	reply := s.kit.Do(t, http.MethodPost, "/v1/batch", s.acme.WriteKey, `{"batch":[`+event("m2", "Opened", "u2", noon)+`]}`)
	wantEqual(t, "status", reply.Status, http.StatusServiceUnavailable)
	wantEqual(t, "Retry-After", reply.Header.Get("Retry-After"), "1")
	wantDiscreet(t, string(reply.Body), "Opened")
	s.waitCount(t, 1, 1)
	away.Remove()
	wantVerdicts(t, s.acme.Batch(t, event("m2", "Opened", "u2", noon)), "QUEUED")
	s.waitCount(t, 2, 2)
	reply = s.kit.Do(t, http.MethodGet, "/readyz", "", "")
	if !strings.Contains(string(reply.Body), `"kafka":"ok"`) {
		t.Errorf("/readyz does not tell of the log: %s", reply.Body)
	}
}
