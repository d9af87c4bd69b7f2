package cohort_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

var discard = slog.New(slog.DiscardHandler)

// house is a database with the services on it, and no HTTP.
type house struct {
	*testkit.House
	writer    *event.Writer
	people    *customer.Service
	cohorts   *cohort.Service
	evaluator *cohort.Evaluator
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := testkit.NewHouse(t)
	writer := event.NewWriter(h.App, event.WriterOptions{Linger: time.Microsecond})
	testkit.Run(t, writer.Run)
	return &house{h, writer, customer.NewService(h.App), cohort.NewService(h.App), cohort.NewEvaluator(h.Worker, h.App, discard).Quick(time.Minute)}
}

// as is a context of somebody who may do everything in the tenant.
func as(id tenant.ID) context.Context {
	return access.With(context.Background(), access.Principal{
		Tenant: id, ID: uuid.UUID{7}, Kind: access.ManageKey, Permissions: access.Of(access.AllPermissions()...),
	})
}

func (h *house) send(t testkit.Failer, id tenant.ID, events ...event.Incoming) {
	t.Helper()
	items := make([]event.Item, len(events))
	for i, e := range events {
		items[i].Incoming = e
		if problem := items[i].Check(); problem != nil {
			t.Fatal(problem)
		}
	}
	if _, err := h.writer.Append(context.Background(), id, "default", items); err != nil {
		t.Fatal(err)
	}
}

// names tell persons by what their roots are called.
func (h *house) names(t testkit.Failer, id tenant.ID) map[int64]string {
	t.Helper()
	rows, err := h.Owner.Query(context.Background(), `
		select identity_id, case when anonymous then 'device ' else '' end || distinct_id
		from identity where tenant_id = $1`, id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names := map[int64]string{}
	for rows.Next() {
		var number int64
		var name string
		if err := rows.Scan(&number, &name); err != nil {
			t.Fatal(err)
		}
		names[number] = name
	}
	return names
}

// person finds a user; nil: there is none.
func (h *house) person(t testkit.Failer, id tenant.ID, user string) *customer.Person {
	t.Helper()
	p, err := h.people.FindPerson(as(id), &user, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// work has all that is due done, until nothing is.
func (h *house) work(t testkit.Failer) {
	t.Helper()
	for range 20 {
		n, err := h.evaluator.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
	t.Fatal("there is always something to do")
}

// wantMembers holds who is in a cohort against names.
func (h *house) wantMembers(t testkit.Failer, of tenant.ID, id int64, want ...string) {
	t.Helper()
	found, err := h.cohorts.Members(as(of), []int64{id}, 100, cohort.MemberPlace{})
	if err != nil {
		t.Fatal(err)
	}
	names := h.names(t, of)
	got := map[string]bool{}
	for _, m := range found[id].Items {
		got[names[m.ID]] = true
	}
	ok := len(got) == len(want)
	for _, name := range want {
		ok = ok && got[name]
	}
	if !ok {
		t.Fatal("members ", got, ", want ", want)
	}
}

func trait(kind metric.DimensionKind, name string, operator metric.Operator, values ...any) cohort.Condition {
	return cohort.Condition{Trait: &metric.Condition{Dimension: metric.Dimension{Kind: kind, Name: name}, Operator: operator, Values: values}}
}

func did(kind string, times cohort.Times, count int, within cohort.Window) cohort.Condition {
	return cohort.Condition{Did: &cohort.Did{Events: cohort.Events{Types: []string{kind}}, Times: times, Count: count, Within: within}}
}
