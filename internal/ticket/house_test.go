package ticket_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// house is a database with the service on it, and no HTTP.
type house struct {
	*testkit.House
	tickets *ticket.Service
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := testkit.NewHouse(t)
	return &house{h, ticket.NewService(h.App)}
}

func sender(id tenant.ID) access.Principal {
	return access.Principal{Tenant: id, Kind: access.WriteKey, Source: "desk", Permissions: access.WriteKey.Permissions()}
}

func (h *house) record(t testkit.Failer, id tenant.ID, items ...ticket.Item) string {
	t.Helper()
	given := make([]ticket.Given, len(items))
	for i, item := range items {
		given[i].Item = item
	}
	verdicts, err := h.tickets.Record(context.Background(), sender(id), given)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, v := range verdicts {
		words = append(words, strings.TrimSpace(string(v.Status)+" "+v.Field))
	}
	return strings.Join(words, ", ")
}

// day is noon of a day of May.
func day(n int) time.Time { return time.Date(2026, 5, n, 12, 0, 0, 0, time.UTC) }

// asked is a ticket of ann for g1, opened on the first.
func asked(id string, updated time.Time, set ...func(*ticket.Item)) ticket.Item {
	item := ticket.Item{ID: id, Status: ticket.Open, UserID: new("ann"), GroupID: new("g1"), OpenedAt: day(1), UpdatedAt: updated}
	for _, f := range set {
		f(&item)
	}
	return item
}

func about(subject string) func(*ticket.Item) {
	return func(i *ticket.Item) { i.Subject = &subject }
}

// all writes down what is known of a tenant's tickets, by whom they name.
func (h *house) all(t testkit.Failer, id tenant.ID) (list []string) {
	t.Helper()
	ctx := context.Background()
	err := h.App.InTenant(ctx, id, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select format('%s/%s %s %s %s of %s for %s', source, external_id, status, coalesce(subject, '-'),
				to_char(updated_at at time zone 'UTC', 'DD HH24:MI'), coalesce(distinct_id, '-'), coalesce(group_type || ' ' || group_id, '-'))
			from ticket left join identity using (tenant_id, identity_id) left join account using (tenant_id, account_id)
			order by source, external_id`)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		t.Fatal(fmt.Errorf("read tickets: %w", err))
	}
	return list
}
