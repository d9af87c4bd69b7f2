package health_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	. "github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/intake"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

var discard = slog.New(slog.DiscardHandler)

// house is a database with the services on it, and no HTTP.
type house struct {
	*testkit.House
	writer     *event.Writer
	books      *revenue.Service
	tickets    *ticket.Service
	health     *Service
	calculator *Calculator
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := testkit.NewHouse(t)
	writer := event.NewWriter(h.App, event.WriterOptions{Linger: time.Microsecond})
	testkit.Run(t, writer.Run)
	return &house{h, writer, revenue.NewService(h.App), ticket.NewService(h.App), NewService(h.App), NewCalculator(h.Worker, h.App, discard).Quick(time.Minute)}
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
	verdicts, err := h.writer.Append(context.Background(), id, "default", items)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Status != event.Accepted {
			t.Fatal("not taken: ", v)
		}
	}
}

func (h *house) bill(t testkit.Failer, id tenant.ID, items ...revenue.Item) {
	t.Helper()
	sender := access.Principal{Tenant: id, Kind: access.WriteKey, Source: "billing", Permissions: access.WriteKey.Permissions()}
	verdicts, err := h.books.Record(context.Background(), sender, intake.Sent(items))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Status != event.Accepted {
			t.Fatal("not taken: ", v)
		}
	}
}

func (h *house) ask(t testkit.Failer, id tenant.ID, items ...ticket.Item) {
	t.Helper()
	if len(items) == 0 {
		return
	}
	sender := access.Principal{Tenant: id, Kind: access.WriteKey, Source: "desk", Permissions: access.WriteKey.Permissions()}
	verdicts, err := h.tickets.Record(context.Background(), sender, intake.Sent(items))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Status != event.Accepted {
			t.Fatal("not taken: ", v)
		}
	}
}

func (h *house) set(t testkit.Failer, id tenant.ID, inputs ...Input) {
	t.Helper()
	if _, err := h.health.Set(as(id), inputs); err != nil {
		t.Fatal(err)
	}
}

// work has all that is due done, until nothing is; it tells how many calculations that were.
func (h *house) work(t testkit.Failer) (all int) {
	t.Helper()
	for range 20 {
		n, err := h.calculator.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if all += n; n == 0 {
			return all
		}
	}
	t.Fatal("there is always something to do")
	return 0
}

// account is the number of an account; it has to be there.
func (h *house) account(t testkit.Failer, id tenant.ID, group string) (number int64) {
	t.Helper()
	err := h.Owner.QueryRow(context.Background(), `select account_id from account where tenant_id = $1 and group_id = $2`, id, group).Scan(&number)
	if err != nil {
		t.Fatal("account ", group, ": ", err)
	}
	return number
}

// standing tells what an account comes to.
func (h *house) standing(t testkit.Failer, id tenant.ID, group string) Standing {
	t.Helper()
	account := h.account(t, id, group)
	found, err := h.health.Of(as(id), []int64{account})
	if err != nil {
		t.Fatal(err)
	}
	return found[account]
}

func (h *house) wantScore(t testkit.Failer, id tenant.ID, group string, want float64, band Band) {
	t.Helper()
	if s := h.standing(t, id, group); s.Score == nil || s.Score.Float() != want || s.Score.Band() != band {
		t.Errorf("%s comes to %+v, want %v %s", group, s, want, band)
	}
}

// changes tells who came into other bands, the latest first, in words.
func (h *house) changes(t testkit.Failer, id tenant.ID) string {
	t.Helper()
	page, err := h.health.Changes(as(id), ChangeAsk{First: 100})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, c := range page.Items {
		words = append(words, named(c.From)+">"+named(c.To)+" "+string(c.Cause))
	}
	return strings.Join(words, ", ")
}

func named(b *Band) string {
	if b == nil {
		return "-"
	}
	return string(*b)
}

func wantFault(t *testing.T, err error, code fault.Code, field string) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != code || f.Field != field {
		t.Errorf("error %v, want %s in %q", err, code, field)
	}
}
