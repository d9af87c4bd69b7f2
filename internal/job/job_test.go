package job

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestTasksRunOnTheirScheduleWhateverTheOthersDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		runs := map[string]int{}
		task := func(name string, every time.Duration, do func() error) Task {
			return Task{Name: name, Every: every, Deadline: time.Second, Do: func(context.Context) error {
				runs[name]++
				return do()
			}}
		}
		err := Run(ctx, slog.New(slog.DiscardHandler),
			task("fails", time.Minute, func() error { return errors.New("no luck") }),
			task("panics", time.Minute, func() error { panic("oh") }),
		)
		if err != nil {
			t.Fatal(err)
		}
		// Every run waits 60 to 66 s for the next: ten or eleven lie in ten minutes.
		for _, name := range []string{"fails", "panics"} {
			if n := runs[name]; n < 10 || n > 11 {
				t.Errorf("%s ran %d times, want 10 or 11", name, n)
			}
		}
	})
}

func TestARunEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		Task{Name: "hangs", Deadline: 5 * time.Second, Do: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}.once(t.Context(), slog.New(slog.DiscardHandler))
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %v, want 5s", took)
		}
	})
}
