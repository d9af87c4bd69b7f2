package health

import (
	"context"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Quick lets scores be calculated again at once, and be taken over from after so long.
func (c *Calculator) Quick(quiet time.Duration) *Calculator {
	c.rest, c.idle, c.quiet = 0, 0, quiet
	return c
}

// Beginning has a function called before each input.
func (c *Calculator) Beginning(do func()) *Calculator {
	c.began = do
	return c
}

// Run does what is due, and tells how many calculations that were.
func (c *Calculator) Run(ctx context.Context) (int, error) {
	due, err := c.Due(ctx)
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		id, err := tenant.Parse(d.Tenant)
		if err != nil {
			return 0, err
		}
		if err := c.Calculate(ctx, id, d.Attempt); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

// Step is a day on which a score became another one; -1 is none.
type Step struct {
	Day   calendar.Date
	Score int32
}

// TrendOf fills in the days between.
func TrendOf(first, last calendar.Date, steps ...Step) Trend {
	rows := make([]dbsqlc.HealthDaysRow, len(steps))
	for i, s := range steps {
		rows[i] = dbsqlc.HealthDaysRow{Day: s.Day, Score: s.Score}
	}
	return trendOf(rows, first, last)
}

// PreviewOf is previewOf.
var PreviewOf = previewOf
