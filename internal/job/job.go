// Package job does work on a schedule. A task that fails is logged and comes up again; one
// task's failure does not touch the others.
package job

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// Task is something to do again and again.
type Task struct {
	Name     string
	Every    time.Duration // from the end of one run to the start of the next
	Deadline time.Duration // of one run
	Do       func(ctx context.Context) error
}

// Run does each task at once and then on its schedule, until ctx ends.
func Run(ctx context.Context, logger *slog.Logger, tasks ...Task) error {
	var group errgroup.Group
	for _, t := range tasks {
		group.Go(func() error {
			t.repeat(ctx, logger)
			return nil
		})
	}
	return group.Wait()
}

func (t Task) repeat(ctx context.Context, logger *slog.Logger) {
	for ctx.Err() == nil {
		t.once(ctx, logger)
		// A little at random, so that servers that start together drift apart.
		timer := time.NewTimer(t.Every + rand.N(t.Every/10+1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

func (t Task) once(ctx context.Context, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, t.Deadline)
	defer cancel()
	defer func() {
		if panicked := recover(); panicked != nil {
			logger.ErrorContext(ctx, "a task panicked", "task", t.Name, "panic", panicked)
		}
	}()
	if err := t.Do(ctx); err != nil && ctx.Err() == nil {
		logger.ErrorContext(ctx, "a task failed", "task", t.Name, "error", err)
	}
}
