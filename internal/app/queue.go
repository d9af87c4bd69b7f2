package app

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/job"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/summary"
)

// The materialized views are refreshed whether they need it or not where they have not been for a
// day. It is looked more often: a worker may not live that long.
const (
	refreshAfter = 24 * time.Hour
	lookEvery    = 15 * time.Minute
)

// refreshArgs are for that.
type refreshArgs struct{}

// Kind implements [job.Args].
func (refreshArgs) Kind() string { return "refresh_views" }

// queue works on what is kept in the queue, until ctx ends. It has connections of its own: what
// takes long, and is for nobody who waits, keeps nobody waiting.
func (n *Node) queue(ctx context.Context) error {
	own, err := postgres.OpenWorker(ctx, n.config.DatabaseURL, queuePool)
	if err != nil {
		return err
	}
	defer own.Close()
	reading, err := postgres.OpenApp(ctx, n.config.DatabaseURL, readPool, nil)
	if err != nil {
		return err
	}
	defer reading.Close()
	queue := job.NewQueue(own.Pool(), n.logger)
	summary.NewSummarizer(n.worker, metric.NewService(reading, catalog()), n.logger).Serve(queue)
	closer := metric.NewCloser(n.worker, n.logger)
	job.Handle(queue, func(ctx context.Context, _ refreshArgs) error { return closer.RefreshOlder(ctx, refreshAfter) })
	queue.Every(lookEvery, refreshArgs{})
	cohorts := cohort.NewEvaluator(n.worker, reading, n.logger)
	cohorts.Serve(queue)
	scores := health.NewCalculator(n.worker, reading, n.logger)
	scores.Serve(queue)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return queue.Run(ctx) })
	group.Go(func() error { // beside the queue, which would keep a row of each look
		return job.Run(ctx, n.logger,
			job.Task{Name: "plan cohorts", Every: cohort.PlanEvery, Deadline: time.Minute, Do: func(ctx context.Context) error { return cohorts.Plan(ctx, queue) }},
			job.Task{Name: "plan health", Every: health.PlanEvery, Deadline: time.Minute, Do: func(ctx context.Context) error { return scores.Plan(ctx, queue) }},
		)
	})
	return group.Wait()
}
