package embedded

import (
	"bytes"
	"context"
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

// whileRuns is a context that ends with the process, too: on a port that it
// could not have, someone else may take a connection and never answer.
func whileRuns(ctx context.Context, p *process) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() { // ends with the process, or when the caller cancels
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
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
