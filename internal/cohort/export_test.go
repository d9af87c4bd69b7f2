package cohort

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Found is whom a condition holds for, for tests.
type Found struct {
	Persons, Known []int64
	Now            time.Time
}

// Find works a condition out, and saves nothing.
func (s *Service) FindAll(ctx context.Context, of tenant.ID, c *Condition) (found Found, err error) {
	err = s.app.Read(ctx, of, func(tx pgx.Tx) error {
		f, err := newFinding(ctx, tx)
		if err != nil {
			return err
		}
		persons, err := f.find(ctx, c)
		found = Found{persons, f.known, f.now()}
		return err
	})
	return found, err
}

// Quick lets cohorts be found again at once, and be taken over from after so long.
func (e *Evaluator) Quick(quiet time.Duration) *Evaluator {
	e.rest, e.quiet = 0, quiet
	return e
}

// Beginning has a function called before each leaf.
func (e *Evaluator) Beginning(do func()) *Evaluator {
	e.began = do
	return e
}

// Run does what is due, and tells how many evaluations that were.
func (e *Evaluator) Run(ctx context.Context) (int, error) {
	due, err := e.Due(ctx)
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		a := d.(args)
		id, err := tenant.Parse(a.Tenant)
		if err != nil {
			return 0, err
		}
		if err := e.Evaluate(ctx, id, a.Evaluation, a.Attempt); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}
