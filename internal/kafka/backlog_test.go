package kafka_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/kafka"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// hold keeps anybody from moving an offset, until it is called off.
func (h *house) hold(t *testing.T) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), h.DB)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), "begin; lock table ingest_offset in exclusive mode"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.Exec(t.Context(), "commit"); err != nil {
			t.Fatal(err)
		}
	}
}

// While nothing can be stored the log fills. The worker holds a few fetches and asks for no
// more, tells how far it is behind, and goes on where it was.
func TestABacklog(t *testing.T) {
	h := open(t)
	consumer := kafka.NewConsumer(h.options, h.Node.Writer(event.WriterOptions{}))
	testkit.Run(t, consumer.Run)
	h.send(t, h.acme, items(t, "first", 1))
	wantCount(t, h.acme, 1)
	until(t, "nothing is behind", func() bool { return consumer.Lag().Records == 0 })

	release := h.hold(t)
	const batches = 40
	for i := range batches {
		h.send(t, h.acme, items(t, fmt.Sprint("n", i), 5))
	}
	until(t, "the worker is behind", func() bool { return consumer.Lag().Records > 0 && !consumer.Lag().Since.IsZero() })
	release()
	wantCount(t, h.acme, 1+batches*5)
	until(t, "nothing is behind", func() bool { return consumer.Lag().Records == 0 })
	h.wantCommitted(t)
}

// Brokers that refuse to be read from end the membership, and do not end the worker.
func TestReadingIsRefused(t *testing.T) {
	h := open(t)
	refused := h.brokers.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	h.consume(t)
	h.send(t, h.acme, items(t, "a", 3))
	until(t, "reading is refused", func() bool { return refused.Hits() > 0 })
	refused.Remove()
	wantCount(t, h.acme, 3)
}
