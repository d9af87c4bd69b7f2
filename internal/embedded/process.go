package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is a program that we started and have to see to its end.
type process struct {
	handle *os.Process
	done   chan struct{} // closed when it has ended
	err    error         // how it ended; read it after done
}

// launch starts a program in a process group of its own, so that the terminal's
// Ctrl-C reaches us alone and we stop things in order. On Linux it gets the
// death signal if we die; 0 is none.
func launch(cmd *exec.Cmd, death syscall.Signal) (*process, error) {
	detach(cmd, death)
	p := &process{done: make(chan struct{})}
	started := make(chan error, 1)
	go p.own(cmd, started) // ends with the program
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// own starts the program and waits for it on one thread: Linux sends the death
// signal when the thread that started it ends, even if the process lives on.
func (p *process) own(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	p.handle = cmd.Process
	started <- err
	if err != nil {
		return
	}
	p.err = cmd.Wait()
	close(p.done)
}

// ending tells how an ended process ended, for people.
func (p *process) ending() string {
	if p.err == nil {
		return "exit status 0"
	}
	return p.err.Error()
}

// run runs a program to its end and returns what it printed. If the context
// ends first, so does the program, and everything in its group.
func run(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 2 * time.Second // a grandchild may hold the pipe open
	p, err := launch(cmd, syscall.SIGTERM)
	if err != nil {
		return "", err
	}
	select {
	case <-p.done:
		return strings.TrimSpace(out.String()), p.err
	case <-ctx.Done():
	}
	signalGroup(p.handle.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		signalGroup(p.handle.Pid, syscall.SIGKILL)
		<-p.done // cannot be refused
	}
	return strings.TrimSpace(out.String()), context.Cause(ctx)
}

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
