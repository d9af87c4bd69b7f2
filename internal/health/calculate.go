package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/job"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/revision"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

const (
	// PlanEvery is how often it is looked whose scores are to be calculated.
	PlanEvery = 2 * time.Second

	atOnce  = 100              // calculations that one look puts into the queue
	pause   = 5 * time.Second  // after the first failure; twice as long after each other one
	longest = 10 * time.Minute // of these pauses
	quiet   = 5 * time.Minute  // of whom nothing is heard for so long is taken over from
	rest    = 10 * time.Second // at least, between two calculations of a tenant
	idle    = 19               // times as long as the calculation took: it takes a twentieth of the time at most
	noting  = 10 * time.Second // for what is written beside the snapshot
)

// Calculator keeps scores as the data are.
type Calculator struct {
	worker *postgres.Worker
	app    *postgres.App
	logger *slog.Logger
	quiet  time.Duration
	rest   time.Duration
	idle   time.Duration // how many times as long as a calculation took it rests at least
	began  func()        // told before each input, for tests; nil: nobody is
}

// NewCalculator makes a calculator.
func NewCalculator(worker *postgres.Worker, app *postgres.App, logger *slog.Logger) *Calculator {
	return &Calculator{worker: worker, app: app, logger: logger, quiet: quiet, rest: rest, idle: idle}
}

// args are for one attempt: another one is another job.
type args struct {
	Tenant  string `json:"tenant"`
	Attempt int32  `json:"attempt"`
}

// Kind implements [job.Args].
func (args) Kind() string { return "calculate_health" }

// Serve has a queue do the work that Plan puts there.
func (c *Calculator) Serve(q *job.Queue) {
	job.Handle(q, func(ctx context.Context, a args) error {
		id, err := tenant.Parse(a.Tenant)
		if err != nil {
			return err
		}
		return c.Calculate(ctx, id, a.Attempt)
	})
}

// Plan puts the calculations that are due into the queue.
func (c *Calculator) Plan(ctx context.Context, q *job.Queue) error {
	due, err := c.Due(ctx)
	if err != nil {
		return err
	}
	list := make([]job.Args, len(due))
	for i, a := range due {
		list[i] = a
	}
	return q.Put(ctx, list...)
}

// Due lists the calculations that are to be begun, or taken over.
func (c *Calculator) Due(ctx context.Context) (due []args, err error) {
	err = c.worker.InTx(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().HealthDue(ctx, tx, atOnce)
		if err != nil {
			return fmt.Errorf("list calculations of health: %w", err)
		}
		for _, r := range rows {
			due = append(due, args{r.TenantID.String(), r.Attempt})
		}
		return nil
	})
	return due, err
}

// turn is an attempt at a calculation.
type turn struct {
	*Calculator
	tenant tenant.ID
	of     dbsqlc.HealthTakeRow
	inputs []Input
}

// errLate is why a turn ends whose calculation another one has, or that is of a model that counts
// no longer.
var errLate = errors.New("somebody else has the calculation")

// Calculate works out what all accounts of a tenant come to, unless somebody else has begun with
// it. What fails is noted with its reason, and tried again.
func (c *Calculator) Calculate(ctx context.Context, of tenant.ID, attempt int32) error {
	t := &turn{Calculator: c, tenant: of}
	err := c.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
		t.of, err = dbsqlc.New().HealthTake(ctx, tx, dbsqlc.HealthTakeParams{TenantID: of, Attempt: attempt, Lease: c.quiet.Seconds()})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("begin calculation of health: %w", err)
	}
	if err = t.work(ctx); err == nil || errors.Is(err, errLate) {
		return nil
	}
	return t.fail(ctx, err)
}

// calculated is what a turn has found.
type calculated struct {
	*survey
	results []Result
	basis   []byte
	took    time.Duration
}

func (t *turn) work(ctx context.Context) (err error) {
	if t.inputs, err = parseInputs(t.of.Inputs); err != nil {
		return err
	}
	began := time.Now()
	var c calculated
	err = t.app.Read(access.With(ctx, access.House(t.tenant)), t.tenant, func(tx pgx.Tx) error {
		if c.survey, err = newSurvey(ctx, tx); err != nil {
			return err
		}
		if c.basis, err = revision.Basis(ctx, tx, subjects(t.inputs)); err != nil {
			return err
		}
		c.began = t.tell
		within, cancel := context.WithTimeout(ctx, t.quiet) // else somebody would take over while it is at work
		defer cancel()
		c.results, err = c.survey.results(within, t.inputs)
		return err
	})
	if err != nil {
		return err
	}
	c.took = time.Since(began)
	return t.settle(ctx, &c)
}

// tell notes how far it is, and that it is at work.
func (t *turn) tell(ctx context.Context, done int) error {
	if t.began != nil {
		t.began()
	}
	var rows int64
	err := t.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
		rows, err = dbsqlc.New().HealthTell(ctx, tx, dbsqlc.HealthTellParams{
			TenantID: t.tenant, Attempt: t.of.Attempt, InputsDone: int32(done), Lease: t.quiet.Seconds(),
		})
		return err
	})
	if err == nil && rows == 0 {
		err = errLate
	}
	return err
}

// settle writes what accounts come to from then on, with all that this changes, or nothing where
// somebody else has the calculation.
func (t *turn) settle(ctx context.Context, c *calculated) error {
	return t.worker.InTx(ctx, func(tx pgx.Tx) error {
		queries := dbsqlc.New()
		_, err := queries.HealthLock(ctx, tx, dbsqlc.HealthLockParams{TenantID: t.tenant, Attempt: t.of.Attempt})
		if errors.Is(err, pgx.ErrNoRows) {
			return errLate
		}
		if err != nil {
			return fmt.Errorf("lock model of health: %w", err)
		}
		overridden, err := queries.HealthOverrideExpire(ctx, tx, t.tenant)
		if err != nil {
			return fmt.Errorf("end overrides: %w", err)
		}
		settlement, err := settlementOf(t.tenant, c)
		if err != nil {
			return err
		}
		settlement.Overridden, settlement.Cause = overridden, t.cause()
		if _, err := queries.HealthSettle(ctx, tx, settlement); err != nil {
			return fmt.Errorf("settle scores: %w", err)
		}
		next, err := queries.HealthNextExpiry(ctx, tx, t.tenant)
		if err != nil {
			return fmt.Errorf("read next end of an override: %w", err)
		}
		c.movesAt(next)
		if err := queries.HealthFound(ctx, tx, dbsqlc.HealthFoundParams{
			TenantID: t.tenant, Attempt: t.of.Attempt, At: c.now(), Accounts: int32(len(c.accounts)), Complete: c.complete,
			MovesAt: c.moves, Basis: c.basis, Rest: max(t.rest, c.took*t.idle).Seconds(),
		}); err != nil {
			return fmt.Errorf("end calculation of health: %w", err)
		}
		return nil
	})
}

// cause is why bands change: what counts is another thing, or the data are.
func (t *turn) cause() dbsqlc.HealthCause {
	if t.of.FoundBy != t.of.Version {
		return dbsqlc.HealthCauseMODEL
	}
	return dbsqlc.HealthCauseDATA
}

func settlementOf(of tenant.ID, c *calculated) (dbsqlc.HealthSettleParams, error) {
	p := dbsqlc.HealthSettleParams{
		TenantID: of, At: c.now(), Day: c.today, AccountIds: c.accounts, Overridden: []int64{},
		Calculated: make([]int32, len(c.results)), Inputs: make([]string, len(c.results)),
	}
	for i, r := range c.results {
		p.Calculated[i] = number(r.Score)
		text, err := json.Marshal(r.Inputs)
		if err != nil {
			return p, fmt.Errorf("write contributions: %w", err)
		}
		p.Inputs[i] = string(text)
	}
	return p, nil
}

// number writes a score; -1 is none.
func number(score *Tenths) int32 {
	if score == nil {
		return -1
	}
	return int32(*score)
}

// fail notes why it failed: a caller reads no more than is meant for one.
func (t *turn) fail(ctx context.Context, why error) error {
	t.logger.ErrorContext(ctx, "health could not be calculated", "tenant", t.tenant.String(), "attempt", t.of.Attempt, "error", why)
	message := "Internal error."
	if f, ok := fault.Of(why); ok {
		message = f.Message
	}
	// Its own time may be over by now.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer cancel()
	return t.worker.InTx(ctx, func(tx pgx.Tx) error {
		_, err := dbsqlc.New().HealthFail(ctx, tx, dbsqlc.HealthFailParams{
			TenantID: t.tenant, Attempt: t.of.Attempt, Error: message,
			Pause: min(pause<<min(t.of.Failures, 10), longest).Seconds(),
		})
		if err != nil {
			return fmt.Errorf("note why it failed: %w", err)
		}
		return nil
	})
}
