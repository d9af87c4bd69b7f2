package cohort

import (
	"context"
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
	// PlanEvery is how often it is looked which cohorts are to be found: so long, at most, one
	// that was asked for waits.
	PlanEvery = 2 * time.Second

	atOnce   = 100              // evaluations that one look puts into the queue
	attempts = 8                // over some ten minutes; then an evaluation is given up
	pause    = 5 * time.Second  // after the first failure; twice as long after each other one
	quiet    = 5 * time.Minute  // of whom nothing is heard for so long is taken over from
	rest     = 5 * time.Minute  // between two evaluations of a cohort that nobody asks for
	noting   = 10 * time.Second // for what is written beside the snapshot
)

// Evaluator finds the members of cohorts. It reads as the tenant whose they are, and writes as the
// worker: nobody who serves a tenant can say who is in a cohort.
type Evaluator struct {
	worker *postgres.Worker
	app    *postgres.App
	logger *slog.Logger
	quiet  time.Duration
	rest   time.Duration
	began  func() // told before each leaf, for tests; nil: nobody is
}

// NewEvaluator makes an evaluator.
func NewEvaluator(worker *postgres.Worker, app *postgres.App, logger *slog.Logger) *Evaluator {
	return &Evaluator{worker: worker, app: app, logger: logger, quiet: quiet, rest: rest}
}

// args are for one attempt at an evaluation: another attempt is another job, which does not wait
// for a queue to find out that the process of the one before is gone.
type args struct {
	Tenant     string `json:"tenant"`
	Evaluation int64  `json:"evaluation"`
	Attempt    int32  `json:"attempt"`
}

// Kind implements [job.Args].
func (args) Kind() string { return "evaluate_cohort" }

// Serve has a queue do the work that Plan puts there.
func (e *Evaluator) Serve(q *job.Queue) {
	job.Handle(q, func(ctx context.Context, a args) error {
		id, err := tenant.Parse(a.Tenant)
		if err != nil {
			return err
		}
		return e.Evaluate(ctx, id, a.Evaluation, a.Attempt)
	})
}

// Plan puts the evaluations that are due into the queue.
func (e *Evaluator) Plan(ctx context.Context, q *job.Queue) error {
	due, err := e.Due(ctx)
	if err != nil {
		return err
	}
	return q.Put(ctx, due...)
}

// Due asks for an evaluation of each cohort that needs one, and gives those that are to be begun
// or taken over.
func (e *Evaluator) Due(ctx context.Context) (due []job.Args, err error) {
	err = e.worker.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := dbsqlc.New().CohortAskDue(ctx, tx, e.rest.Seconds()); err != nil {
			return fmt.Errorf("ask for evaluations: %w", err)
		}
		rows, err := dbsqlc.New().CohortDue(ctx, tx, atOnce)
		if err != nil {
			return fmt.Errorf("list evaluations: %w", err)
		}
		for _, r := range rows {
			due = append(due, args{r.TenantID.String(), r.EvaluationID, r.Attempt})
		}
		return nil
	})
	return due, err
}

// turn is an attempt at an evaluation.
type turn struct {
	*Evaluator
	tenant  tenant.ID
	id      int64
	attempt int32
	of      dbsqlc.CohortEvaluationTakeRow
	done    int
}

// errLate is why a turn ends whose evaluation another one has, or that nobody wants any more.
var errLate = errors.New("somebody else has the evaluation")

// Evaluate finds the members of a cohort, unless somebody else has begun with it. What fails is
// noted with its reason, and tried again later; in the end it is given up.
func (e *Evaluator) Evaluate(ctx context.Context, of tenant.ID, id int64, attempt int32) error {
	t := &turn{Evaluator: e, tenant: of, id: id}
	err := e.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
		t.of, err = dbsqlc.New().CohortEvaluationTake(ctx, tx, dbsqlc.CohortEvaluationTakeParams{
			TenantID: of, EvaluationID: id, Attempt: attempt, Lease: e.quiet.Seconds(),
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("begin evaluation: %w", err)
	}
	t.attempt = t.of.Attempt
	err = t.work(ctx)
	if err == nil || errors.Is(err, errLate) {
		return nil
	}
	return t.fail(ctx, err)
}

func (t *turn) work(ctx context.Context) error {
	condition, err := read(t.of.Condition)
	if err != nil {
		return err
	}
	var found set
	var f *finding
	var from []byte
	// What notes who reads has nothing to do with this; and a house sees all rows.
	err = t.app.Read(access.With(ctx, access.House(t.tenant)), t.tenant, func(tx pgx.Tx) error {
		if f, err = newFinding(ctx, tx); err != nil {
			return err
		}
		if from, err = revision.Basis(ctx, tx, condition.subjects()); err != nil {
			return err
		}
		f.within = t.quiet // else somebody would take over while it is at work
		f.began, f.asking = func() error { return t.tell(ctx) }, []int64{t.of.CohortID}
		found, err = f.find(ctx, &condition)
		return err
	})
	if err != nil {
		return err
	}
	return t.settle(ctx, found, f, from)
}

// tell notes how far it is, and that it is at work.
func (t *turn) tell(ctx context.Context) error {
	if t.began != nil {
		t.began()
	}
	done := t.done
	t.done++
	var rows int64
	err := t.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
		rows, err = dbsqlc.New().CohortEvaluationTell(ctx, tx, dbsqlc.CohortEvaluationTellParams{
			TenantID: t.tenant, EvaluationID: t.id, Attempt: t.attempt, LeavesDone: int32(done), Lease: t.quiet.Seconds(),
		})
		return err
	})
	if err == nil && rows == 0 {
		err = errLate
	}
	return err
}

// settle writes who is in the cohort from then on, with all that is told of the evaluation, or
// nothing where somebody else has it.
func (t *turn) settle(ctx context.Context, found set, f *finding, from []byte) error {
	at := f.now()
	return t.worker.InTx(ctx, func(tx pgx.Tx) error {
		queries := dbsqlc.New()
		_, err := queries.CohortEvaluationLock(ctx, tx, dbsqlc.CohortEvaluationLockParams{TenantID: t.tenant, EvaluationID: t.id, Attempt: t.attempt, At: at})
		if errors.Is(err, pgx.ErrNoRows) {
			return errLate
		}
		if err != nil {
			return fmt.Errorf("lock evaluation: %w", err)
		}
		moved, err := queries.CohortMembersSettle(ctx, tx, dbsqlc.CohortMembersSettleParams{
			TenantID: t.tenant, CohortID: t.of.CohortID, PersonIds: found, At: at,
		})
		if err != nil {
			return fmt.Errorf("settle members: %w", err)
		}
		if err := queries.CohortFound(ctx, tx, dbsqlc.CohortFoundParams{
			TenantID: t.tenant, CohortID: t.of.CohortID, Version: t.of.Version, At: at, Size: moved.Size, MovesAt: f.moves, Basis: from,
		}); err != nil {
			return fmt.Errorf("note what was found: %w", err)
		}
		if err := queries.CohortEvaluationEnd(ctx, tx, dbsqlc.CohortEvaluationEndParams{
			TenantID: t.tenant, EvaluationID: t.id, At: at, Exact: f.exact, Size: moved.Size, Entered: moved.Entered, Departed: moved.Departed,
		}); err != nil {
			return fmt.Errorf("end evaluation: %w", err)
		}
		return nil
	})
}

// fail notes why it failed: a caller reads no more than is meant for one.
func (t *turn) fail(ctx context.Context, why error) error {
	t.logger.ErrorContext(ctx, "a cohort could not be found", "tenant", t.tenant.String(), "cohort", t.of.CohortID, "attempt", t.attempt, "error", why)
	message, final := "Internal error.", t.attempt >= attempts
	if f, ok := fault.Of(why); ok {
		message = f.Message
		final = final || f.Code == fault.BadUserInput // it stays so until somebody changes something
	}
	// Its own time may be over by now.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer cancel()
	return t.worker.InTx(ctx, func(tx pgx.Tx) error {
		_, err := dbsqlc.New().CohortEvaluationFail(ctx, tx, dbsqlc.CohortEvaluationFailParams{
			TenantID: t.tenant, EvaluationID: t.id, Attempt: t.attempt, Final: final, Error: message,
			Pause: (pause << min(t.attempt-1, attempts)).Seconds(),
		})
		if err != nil {
			return fmt.Errorf("note why it failed: %w", err)
		}
		return nil
	})
}
