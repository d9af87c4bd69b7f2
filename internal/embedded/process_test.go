//go:build linux || darwin

package embedded

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestRunEndsWithItsContextAndTakesItsChildrenAlong(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	pidfile := filepath.Join(t.TempDir(), "pid")
	result := make(chan error, 1)
	go func() {
		_, err := run(ctx, exec.Command("/bin/sh", "-c", "sleep 60 & echo $! > "+pidfile+"; wait"))
		result <- err
	}()
	var child int
	await(t, "the child runs", func() bool {
		text, _ := os.ReadFile(pidfile)
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return child > 0
	})
	interrupt := errors.New("Ctrl-C")
	cancel(interrupt)
	if err := <-result; !errors.Is(err, interrupt) {
		t.Errorf("got %v", err)
	}
	await(t, "the child has ended", func() bool { _, _, alive := inspect(child); return !alive })
}

func TestShutdownStepsKeepTheDeadline(t *testing.T) {
	for _, left := range []time.Duration{-time.Second, 2 * time.Second, 10 * time.Second, time.Minute} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		steps := postgresSteps(ctx)
		cancel()
		if sum := steps[0].patience + steps[1].patience; sum > max(left, time.Second) {
			t.Errorf("%s left, but %v", left, steps)
		}
		if steps[1].patience < time.Second {
			t.Errorf("no time for an immediate shutdown: %v", steps)
		}
	}
}
