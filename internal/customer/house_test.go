package customer_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

var discard = slog.New(slog.DiscardHandler)

// house is a database with the services on it, and no HTTP.
type house struct {
	*testkit.House
	writer  *event.Writer
	metrics *metric.Service
	people  *customer.Service
	eraser  *customer.Eraser
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := testkit.NewHouse(t)
	writer := event.NewWriter(h.App, event.WriterOptions{Linger: time.Microsecond})
	testkit.Run(t, writer.Run)
	return &house{h, writer, metric.NewService(h.App, metric.NewCatalog(metric.Builtin())), customer.NewService(h.App), customer.NewEraser(h.Worker)}
}

// as is a context of somebody who may manage the tenant.
func as(id tenant.ID) context.Context {
	return access.With(context.Background(), access.Principal{Tenant: id, ID: uuid.UUID{7}, Kind: access.ManageKey, Permissions: access.ManageKey.Permissions()})
}

func (h *house) send(t testkit.Failer, id tenant.ID, events ...event.Incoming) []event.Verdict {
	t.Helper()
	items := make([]event.Item, len(events))
	for i, e := range events {
		items[i].Incoming = e
		if problem := items[i].Check(); problem != nil {
			t.Fatal(problem)
		}
	}
	verdicts, err := h.writer.Append(context.Background(), id, "default", items)
	if err != nil {
		t.Fatal(err)
	}
	return verdicts
}

// person finds whom a key belongs to; it must be there.
func (h *house) person(t testkit.Failer, id tenant.ID, user, device string) customer.Person {
	t.Helper()
	u, d := &user, &device
	if user == "" {
		u = nil
	} else {
		d = nil
	}
	p, err := h.people.FindPerson(as(id), u, d)
	if err != nil {
		t.Fatal(err)
	}
	if p == nil {
		t.Fatal("there is nobody called ", user, device)
	}
	return *p
}

// identityOf finds an id among the identities of its person.
func (h *house) identityOf(t testkit.Failer, id tenant.ID, user, device string) customer.Identity {
	t.Helper()
	p := h.person(t, id, user, device)
	pages, err := h.people.IdentityPages(as(id), []int64{p.ID}, 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range pages[p.ID].Items {
		if i.Value == user+device && (i.Kind == customer.User) == (user != "") {
			return i
		}
	}
	t.Fatal("no such identity: ", user, device)
	return customer.Identity{}
}

// days gives a metric's values over a range of days of the tenant's zone, and its total.
func (h *house) days(t testkit.Failer, id tenant.ID, key string, from, to time.Time) (values []float64, total float64) {
	t.Helper()
	d, err := metric.NewCatalog(metric.Builtin()).Find(key)
	if err != nil {
		t.Fatal(err)
	}
	ask := metric.Ask{From: &from, To: &to, Interval: calendar.Day}
	series, err := h.metrics.Series(as(id), d, ask)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range series.Values {
		values = append(values, *v)
	}
	value, err := h.metrics.Value(as(id), d, ask)
	if err != nil {
		t.Fatal(err)
	}
	return values, *value.Value
}

func (h *house) materialize(t testkit.Failer) {
	t.Helper()
	if err := metric.NewCloser(h.Worker, discard).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func wantFault(t *testing.T, err error, code fault.Code, field string) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != code || f.Field != field {
		t.Errorf("error %v, want %s in %q", err, code, field)
	}
}
