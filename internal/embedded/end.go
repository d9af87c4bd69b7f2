package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"
)

// step is one way to ask a process to end, and how long it may take over it.
type step struct {
	signal   syscall.Signal
	patience time.Duration
}

var errKilled = errors.New("it did not end when asked to and was killed")

// end asks a process to end, harder with every step, until gone is closed. Only
// a kill, or not even that, is an error.
func end(handle *os.Process, gone <-chan struct{}, steps []step, log *slog.Logger) error {
	for i, s := range steps {
		if i > 0 {
			log.Warn("a server takes long to end", "pid", handle.Pid, "next", s.signal.String())
		}
		if isClosed(gone) {
			return nil
		}
		if err := handle.Signal(s.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("send %s to pid %d: %w", s.signal, handle.Pid, err)
		}
		select {
		case <-gone:
			if s.signal == syscall.SIGKILL {
				return errKilled
			}
			return nil
		case <-time.After(s.patience):
		}
	}
	return fmt.Errorf("pid %d is still there", handle.Pid)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// timeLeft is what a context leaves for a shutdown; 30 s if it sets no end.
func timeLeft(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return 30 * time.Second
	}
	return max(0, time.Until(deadline))
}

// postgresSteps: fast shutdown; immediate shutdown, which costs a recovery at
// the next start and no data; kill.
func postgresSteps(ctx context.Context) []step {
	left := timeLeft(ctx)
	immediate := min(max(left/4, time.Second), 6*time.Second)
	return []step{
		{syscall.SIGINT, max(0, left-immediate)},
		{syscall.SIGQUIT, immediate},
		{syscall.SIGKILL, 5 * time.Second},
	}
}

func redisSteps(ctx context.Context) []step {
	return []step{{syscall.SIGTERM, max(time.Second, timeLeft(ctx))}, {syscall.SIGKILL, 5 * time.Second}}
}
