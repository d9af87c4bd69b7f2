package event_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// within bounds every wait of these tests.
const within = 20 * time.Second

// house is a database, with the product's ways in and the owner's, past row security.
type house struct {
	url    string
	app    *postgres.App
	worker *postgres.Worker
	owner  *pgxpool.Pool
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{url: testkit.Database(t)}
	h.app = h.anotherApp(t, nil)
	var err error
	if h.worker, err = postgres.OpenWorker(t.Context(), h.url, 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.worker.Close)
	if h.owner, err = pgxpool.New(t.Context(), h.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.owner.Close)
	return h
}

// anotherApp opens the database as another server would.
func (h *house) anotherApp(t *testing.T, tracer pgx.QueryTracer) *postgres.App {
	t.Helper()
	app, err := postgres.OpenApp(t.Context(), h.url, 4, tracer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	return app
}

func (h *house) tenant(t *testing.T, zone string) tenant.ID {
	t.Helper()
	id, err := access.CreateTenant(t.Context(), h.worker, "Somebody", zone, time.Monday)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// writer makes a writer that runs until the test ends.
func (h *house) writer(t *testing.T, options event.WriterOptions) *event.Writer {
	t.Helper()
	w := event.NewWriter(h.app, options)
	run(t, w)
	return w
}

// run lets a writer run, until stop is called or the test ends.
func run(t *testing.T, w *event.Writer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	done := false
	stop = func() {
		cancel()
		if done {
			return
		}
		done = true
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func (h *house) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := h.owner.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// number reads one number as the owner.
func (h *house) number(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := h.owner.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (h *house) wantEvents(t *testing.T, id tenant.ID, want int) {
	t.Helper()
	if n := h.number(t, "select count(*) from event where tenant_id = $1", id); n != want {
		t.Errorf("%d events are stored, want %d", n, want)
	}
	h.wantRecount(t, id)
}

// noon is when things happen, unless a test says otherwise.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// did is an event that somebody did, checked and ready to write.
func did(t *testing.T, messageID, what, who string, at time.Time) event.Item {
	t.Helper()
	return ready(t, event.Incoming{MessageID: messageID, Type: what, UserID: who, Timestamp: at})
}

func ready(t *testing.T, e event.Incoming) event.Item {
	t.Helper()
	if problem := e.Check(); problem != nil {
		t.Fatal(problem)
	}
	return event.Item{Incoming: e}
}

// reply is what one Append came to.
type reply struct {
	verdicts []event.Verdict
	err      error
}

func send(t *testing.T, w *event.Writer, id tenant.ID, items ...event.Item) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	verdicts, err := w.Append(ctx, id, "site", items)
	return reply{verdicts, err}
}

// offer begins an Append, and waits until it is in the queue or has been answered.
func offer(t *testing.T, w *event.Writer, id tenant.ID, items ...event.Item) <-chan reply {
	t.Helper()
	before := event.WaitingIn(w)
	answer, replied := make(chan reply, 1), make(chan struct{})
	go func() {
		answer <- send(t, w, id, items...)
		close(replied)
	}()
	for event.WaitingIn(w) == before {
		select {
		case <-replied:
			return answer
		default:
			runtime.Gosched()
		}
	}
	return answer
}

// statuses tells what became of each event.
func (r reply) statuses(t *testing.T) (list []event.Status) {
	t.Helper()
	if r.err != nil {
		t.Fatal(r.err)
	}
	for _, v := range r.verdicts {
		list = append(list, v.Status)
	}
	return list
}

func wantCode(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != code {
		t.Errorf("error %v, want %s", err, code)
	}
}
