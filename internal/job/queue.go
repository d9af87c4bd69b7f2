package job

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

const (
	schema   = "river" // where the queue's tables are: see migrations/00021_river.sql
	atOnce   = 2       // jobs that one process works on
	attempts = 12      // over some eleven hours; then a job is given up, and stays to be seen
	// A job is looked for at most so often: the default of 100 ms would be what bounds short ones.
	fetchCooldown = 10 * time.Millisecond
	deadline      = 10 * time.Minute // of one attempt
	// A job whose process was killed is taken over after this.
	takenOverAfter = 15 * time.Minute
	stopWithin     = 10 * time.Second // for jobs at work, before they are told to stop
	startPause     = time.Second      // between attempts to reach the database
)

// Args tell a job what to do: plain data that is kept as JSON, of a kind with a name.
type Args = river.JobArgs

// Queue is work that is kept in the database until it is done. A job that fails is tried again,
// later each time, and in the end given up: it stays for a week, to be seen. A job may be done
// twice, where the first time was cut off before it could be said: it must bear that.
type Queue struct {
	pool     *pgxpool.Pool
	logger   *slog.Logger
	workers  *river.Workers
	periodic []*river.PeriodicJob
	open     func() (*river.Client[pgx.Tx], error)
}

// NewQueue makes a queue. What its jobs are is said by Handle and Every, before anything else.
func NewQueue(pool *pgxpool.Pool, logger *slog.Logger) *Queue {
	q := &Queue{pool: pool, logger: logger, workers: river.NewWorkers()}
	q.open = sync.OnceValues(q.client)
	return q
}

// Handle says what is done for jobs of a kind.
func Handle[A Args](q *Queue, do func(ctx context.Context, args A) error) {
	river.AddWorker(q.workers, river.WorkFunc(func(ctx context.Context, j *river.Job[A]) error { return do(ctx, j.Args) }))
}

// Every puts a job into the queue again and again, by one process of all.
func (q *Queue) Every(interval time.Duration, args Args) {
	q.periodic = append(q.periodic, river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return args, once(waiting) },
		&river.PeriodicJobOpts{ID: args.Kind()}))
}

// waiting are the states of jobs that are not at their end.
var waiting = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// once is for jobs of which one with the same arguments is enough, in one of these states.
func once(states []rivertype.JobState) *river.InsertOpts {
	return &river.InsertOpts{MaxAttempts: attempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: states}}
}

// Put puts jobs into the queue. What waits there with the same arguments, or was given up, is
// not put there again.
func (q *Queue) Put(ctx context.Context, jobs ...Args) error {
	client, err := q.open()
	if err != nil {
		return err
	}
	states := slices.Concat(waiting, []rivertype.JobState{rivertype.JobStateDiscarded})
	for _, args := range jobs { // together, the library bears no two equal ones
		if _, err := client.Insert(ctx, args, once(states)); err != nil {
			return fmt.Errorf("put %s into the queue: %w", args.Kind(), err)
		}
	}
	return nil
}

// Run works on the queue until ctx ends and what is at work has finished.
func (q *Queue) Run(ctx context.Context) error {
	client, err := q.open()
	if err != nil {
		return err
	}
	for {
		err := client.Start(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it ended before the queue had begun
		}
		q.logger.ErrorContext(ctx, "the queue could not be started", "error", err)
		select {
		case <-time.After(startPause):
		case <-ctx.Done():
		}
	}
	<-client.Stopped()
	return nil
}

func (q *Queue) client() (*river.Client[pgx.Tx], error) {
	client, err := river.NewClient(riverpgxv5.New(q.pool), &river.Config{
		ID: uuid.NewString(), Schema: schema, Logger: slog.New(orderly{q.logger.Handler()}), ErrorHandler: failures{q.logger},
		Workers: q.workers, PeriodicJobs: q.periodic,
		Queues:     map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: atOnce, FetchCooldown: fetchCooldown}},
		JobTimeout: deadline, RescueStuckJobsAfter: takenOverAfter, SoftStopTimeout: stopWithin,
	})
	if err != nil {
		return nil, fmt.Errorf("make queue: %w", err)
	}
	return client, nil
}

// orderly leaves out what the library says of its parts when they are told to stop.
type orderly struct{ slog.Handler }

// Handle implements [slog.Handler].
func (o orderly) Handle(ctx context.Context, r slog.Record) error {
	stopped := false
	r.Attrs(func(a slog.Attr) bool {
		stopped = (a.Key == "error" || a.Key == "err") && strings.HasSuffix(a.Value.String(), context.Canceled.Error())
		return !stopped
	})
	if stopped {
		return nil
	}
	return o.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (o orderly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return orderly{o.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (o orderly) WithGroup(name string) slog.Handler { return orderly{o.Handler.WithGroup(name)} }

// failures writes what fails into the log.
type failures struct{ logger *slog.Logger }

// HandleError implements [river.ErrorHandler].
func (f failures) HandleError(ctx context.Context, j *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.tell(ctx, j, "error", err)
	return nil
}

// HandlePanic implements [river.ErrorHandler].
func (f failures) HandlePanic(ctx context.Context, j *rivertype.JobRow, panicked any, trace string) *river.ErrorHandlerResult {
	f.tell(ctx, j, "panic", fmt.Sprint(panicked), "trace", trace)
	return nil
}

func (f failures) tell(ctx context.Context, j *rivertype.JobRow, what ...any) {
	message := "a job failed, and will be tried again"
	if j.Attempt >= j.MaxAttempts {
		message = "a job failed, and was given up"
	}
	f.logger.ErrorContext(ctx, message, append([]any{"job", j.Kind, "id", j.ID, "attempt", j.Attempt}, what...)...)
}
