package app

import (
	"context"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// demoCohorts are what any company asks first of its users.
var demoCohorts = []cohort.Draft{
	{Name: "New this month", Description: "Seen for the first time in the last 30 days.", Condition: cohort.Condition{
		FirstSeen: &cohort.Window{Last: &metric.Last{Count: 30, Interval: calendar.Day}},
	}},
	{Name: "Regulars", Description: "Did something a hundred times in the last four weeks.", Condition: cohort.Condition{
		Did: &cohort.Did{Times: cohort.AtLeast, Count: 100, Within: cohort.Window{Last: &metric.Last{Count: 4, Interval: calendar.Week}}},
	}},
	{Name: "Gone quiet", Description: "There in the four weeks before the last four, and not since.", Condition: cohort.Condition{
		Stopped: &cohort.Stopped{Last: metric.Last{Count: 4, Interval: calendar.Week}},
	}},
}

// inEach does something in each company of a demo, as who may do all of it.
func inEach(ctx context.Context, state DemoState, do func(ctx context.Context, of tenant.ID) error) error {
	for _, t := range state.Tenants {
		id, err := tenant.Parse(t.Tenant)
		if err != nil {
			return fmt.Errorf("read demo state: %w", err)
		}
		if err := do(access.With(ctx, access.House(id)), id); err != nil {
			return fmt.Errorf("set up the demo of %s: %w", t.Company, err)
		}
	}
	return nil
}

// cohortDemo gives the companies of a demo cohorts, unless they have some.
func (n *Node) cohortDemo(ctx context.Context, state DemoState) error {
	cohorts := cohort.NewService(n.app)
	return inEach(ctx, state, func(ctx context.Context, _ tenant.ID) error {
		page, err := cohorts.List(ctx, 1, 0)
		if err != nil || len(page.Items) > 0 {
			return err
		}
		for _, d := range demoCohorts {
			d.Kind = cohort.Dynamic
			if _, err := cohorts.Create(ctx, d); err != nil {
				return fmt.Errorf("make cohorts: %w", err)
			}
		}
		return nil
	})
}
