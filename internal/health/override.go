package health

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

const (
	maxReason   = 1_000                // characters
	maxOverride = 366 * 24 * time.Hour // from now on
)

// Said is a score that somebody says of an account.
type Said struct {
	Score     float64 // 0 to 100, to the tenth
	Reason    string
	ExpiresAt time.Time
}

func (o *Said) check(now time.Time) error {
	o.Reason = strings.TrimSpace(o.Reason)
	switch n := utf8.RuneCountInString(o.Reason); {
	case !(o.Score >= 0 && o.Score <= 100): // which NaN is not either
		return fault.Input("score", "A score is from 0 to 100.")
	case math.Abs(tenths(o.Score).Float()-o.Score) > 1e-9:
		return fault.Input("score", "A score has one decimal at most.")
	case n < 1 || n > maxReason || !customer.Sendable(o.Reason):
		return fault.Input("reason", "Why? A reason of 1 to %d characters is needed.", maxReason)
	case !o.ExpiresAt.After(now):
		return fault.Input("expiresAt", "It would be over already.")
	case o.ExpiresAt.Sub(now) > maxOverride:
		return fault.Input("expiresAt", "It lasts a year at most.")
	}
	return nil
}

// correction is a change of an account's override that is under way.
type correction struct {
	tx  pgx.Tx
	who access.Principal
	of  int64
	now time.Time
	was dbsqlc.HealthCalculatedRow
}

// correct lets fn change what holds for an account, when it is its turn, and settles what follows.
func (s *Service) correct(ctx context.Context, account int64, fn func(correction) error) error {
	who, err := access.Require(ctx, access.EditCustomers)
	if err != nil {
		return err
	}
	return s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		if _, err := dbsqlc.New().HealthTakeTurn(ctx, tx); errors.Is(err, pgx.ErrNoRows) {
			return errNoModel
		} else if err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		was, err := dbsqlc.New().HealthCalculated(ctx, tx, account)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.NotFound, "There is nothing with this id.").In("account")
		}
		if err != nil {
			return fmt.Errorf("read health of account: %w", err)
		}
		c := correction{tx, who, account, was.At.UTC(), was}
		if err := fn(c); err != nil {
			return err
		}
		return c.settle(ctx)
	})
}

func (c correction) settle(ctx context.Context) error {
	survey, err := daysOf(ctx, c.tx)
	if err != nil {
		return err
	}
	_, err = dbsqlc.New().HealthSettle(ctx, c.tx, dbsqlc.HealthSettleParams{
		TenantID: c.who.Tenant, At: c.now, Day: survey.today, Cause: dbsqlc.HealthCauseOVERRIDE, Overridden: []int64{},
		AccountIds: []int64{c.of}, Calculated: []int32{c.was.Calculated}, Inputs: []string{string(c.was.Inputs)},
	})
	if err != nil {
		return fmt.Errorf("settle score: %w", err)
	}
	return nil
}

// end ends the override that there is, and tells whether there was one.
func (c correction) end(ctx context.Context) (bool, error) {
	n, err := dbsqlc.New().HealthOverrideEnd(ctx, c.tx, c.of)
	if err != nil {
		return false, fmt.Errorf("end override: %w", err)
	}
	return n > 0, nil
}

func (c correction) target() audit.Target {
	return audit.Target{Type: "account", ID: fmt.Sprint(c.of)}
}

// Override lets a score hold for an account instead of what is calculated, until it expires. One
// that was said before ends.
func (s *Service) Override(ctx context.Context, account int64, said Said) error {
	return s.correct(ctx, account, func(c correction) error {
		if err := said.check(c.now); err != nil {
			return err
		}
		if _, err := c.end(ctx); err != nil {
			return err
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make id: %w", err)
		}
		if err := dbsqlc.New().HealthOverrideInsert(ctx, c.tx, dbsqlc.HealthOverrideInsertParams{
			OverrideID: id, AccountID: account, Score: int16(tenths(said.Score)), Reason: said.Reason, SetBy: c.who.By(), ExpiresAt: said.ExpiresAt,
		}); err != nil {
			return fmt.Errorf("save override: %w", err)
		}
		if err := dbsqlc.New().HealthMoves(ctx, c.tx, said.ExpiresAt); err != nil {
			return fmt.Errorf("note when it expires: %w", err)
		}
		return audit.Write(ctx, c.tx, audit.Entry{Action: audit.HealthOverridden, Target: c.target(), After: map[string]any{
			"score": said.Score, "reason": said.Reason, "expiresAt": said.ExpiresAt.UTC(),
		}})
	})
}

// EndOverride lets the calculated score of an account hold again.
func (s *Service) EndOverride(ctx context.Context, account int64) error {
	return s.correct(ctx, account, func(c correction) error {
		ended, err := c.end(ctx)
		if err != nil {
			return err
		}
		if !ended {
			return fault.Input("account", "Its health is not overridden.")
		}
		return audit.Write(ctx, c.tx, audit.Entry{Action: audit.HealthOverrideOver, Target: c.target()})
	})
}
