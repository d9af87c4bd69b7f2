package event_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// within bounds every wait of these tests.
const within = 20 * time.Second

// house is a database, and what these tests ask of it.
type house struct{ *testkit.House }

func newHouse(t *testing.T) *house {
	t.Helper()
	return &house{testkit.NewHouse(t)}
}

// writer makes a writer that runs until the test ends.
func (h *house) writer(t *testing.T, options event.WriterOptions) *event.Writer {
	t.Helper()
	w := event.NewWriter(h.App, options)
	testkit.Run(t, w.Run)
	return w
}

func (h *house) wantEvents(t *testing.T, id tenant.ID, want int) {
	t.Helper()
	if n := h.Number(t, "select count(*) from event where tenant_id = $1", id); n != want {
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
