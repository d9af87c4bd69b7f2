package ticket_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// drawLate makes up tickets of two accounts over the last months, none at an hour that is a bound.
func drawLate(t *rapid.T, now time.Time) (all []ticket.Item) {
	for i := range rapid.IntRange(0, 12).Draw(t, "tickets") {
		opened := rapid.IntRange(0, 120).Draw(t, "opened days ago")
		updated := rapid.IntRange(0, opened).Draw(t, "updated days ago")
		item := ticket.Item{
			ID: fmt.Sprint("t", i), GroupID: new(rapid.SampledFrom([]string{"g1", "g2"}).Draw(t, "group")),
			Status: rapid.SampledFrom(ticket.AllStatuses()).Draw(t, "status"), OpenedAt: now.AddDate(0, 0, -opened).Add(-time.Hour), UpdatedAt: now.AddDate(0, 0, -updated).Add(-time.Hour),
		}
		if rating := rapid.SampledFrom([]ticket.Rating{"", ticket.Good, ticket.Bad}).Draw(t, "rating"); rating != "" {
			item.Rating = &rating
		}
		all = append(all, item)
	}
	return all
}

// standing is the plain recount.
func standing(all []ticket.Item, now time.Time) map[string]ticket.Standing {
	want := map[string]ticket.Standing{}
	for _, item := range all {
		s := want[*item.GroupID]
		if item.Status != ticket.Solved && item.Status != ticket.Closed {
			s.Open++
		}
		if item.Rating != nil && !item.UpdatedAt.Before(now.AddDate(0, 0, -90)) && item.UpdatedAt.Before(now.AddDate(0, 0, -1)) {
			if *item.Rating == ticket.Good {
				s.Good++
			} else {
				s.Bad++
			}
		}
		want[*item.GroupID] = s
	}
	return want
}

// standings reads how the tenant's accounts stand, by their ids as they are sent.
func (h *house) standings(t *rapid.T, id tenant.ID, now time.Time) map[string]ticket.Standing {
	t.Helper()
	found := map[string]ticket.Standing{}
	ctx := context.Background()
	err := h.App.InTenant(ctx, id, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select account_id, group_id from account`)
		if err != nil {
			return err
		}
		names, account, group := map[int64]string{}, int64(0), ""
		if _, err := pgx.ForEachRow(rows, []any{&account, &group}, func() error {
			names[account] = group
			return nil
		}); err != nil {
			return err
		}
		standings, err := ticket.Standings(ctx, tx, now.AddDate(0, 0, -90), now.AddDate(0, 0, -1))
		for id, s := range standings {
			found[names[id]] = s
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestStandingsAreARecount(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		id, now := h.Tenant(t, "UTC"), time.Now().UTC().Truncate(time.Microsecond)
		all := drawLate(t, now)
		if len(all) > 0 {
			h.record(t, id, all...)
		}
		if diff := gocmp.Diff(standing(all, now), h.standings(t, id, now)); diff != "" {
			t.Fatalf("standings (-want +got):\n%s", diff)
		}
	})
}
