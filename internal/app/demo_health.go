package app

import (
	"context"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// demoHealth is what counts for how well a demo company's accounts do.
var demoHealth = []health.Input{
	{Key: "people", Name: "People at work", Kind: health.ActivePeople, Weight: 3, Worst: 0, Best: 5, Days: 14},
	{Key: "trend", Name: "Use, against the two weeks before", Kind: health.EventsChange, Weight: 2, Worst: -60, Best: 20, Days: 14},
	{Key: "seen", Name: "Days since anybody was there", Kind: health.LastSeen, Weight: 1, Worst: 21, Best: 0},
	{Key: "mrr", Name: "MRR, against a month ago", Kind: health.MRRChange, Weight: 2, Worst: -40, Best: 10, Days: 30},
	{Key: "tickets", Name: "Open tickets", Kind: health.OpenTickets, Weight: 1, Worst: 3, Best: 0},
}

// healthDemo says what counts in the demo companies that have accounts, unless something does.
func (n *Node) healthDemo(ctx context.Context, state DemoState) error {
	scores, customers := health.NewService(n.app), customer.NewService(n.app)
	return inEach(ctx, state, func(ctx context.Context, _ tenant.ID) error {
		accounts, err := customers.CountAccounts(ctx, "")
		if err != nil || accounts == 0 {
			return err
		}
		model, err := scores.Model(ctx)
		if err != nil || model != nil {
			return err
		}
		if _, err := scores.Set(ctx, demoHealth); err != nil {
			return fmt.Errorf("say what counts for health: %w", err)
		}
		return nil
	})
}
