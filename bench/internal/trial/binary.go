package trial

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Build builds the binary into a folder.
func Build(ctx context.Context, dir string) (path string, err error) {
	path = filepath.Join(dir, "tidemark")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/tidemark")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, said)
	}
	return path, nil
}

// Process is a program that runs until Stop.
type Process struct{ cmd *exec.Cmd }

// Start runs a program with the environment of this one and more.
func Start(ctx context.Context, env []string, path string, args ...string) (*Process, error) {
	return start(prepare(ctx, env, path, args))
}

// StartFed is Start of a program that is told what to do on its standard input.
func StartFed(ctx context.Context, env []string, path string, args ...string) (*Process, io.WriteCloser, error) {
	cmd := prepare(ctx, env, path, args)
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("feed %s: %w", filepath.Base(path), err)
	}
	p, err := start(cmd)
	return p, input, err
}

func prepare(ctx context.Context, env []string, path string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, args...) // ended by Stop
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	return cmd
}

func start(cmd *exec.Cmd) (*Process, error) {
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s %v: %w", filepath.Base(cmd.Path), cmd.Args[1:], err)
	}
	return &Process{cmd}, nil
}

// ID is the process id; 0 of one that was not started.
func (p *Process) ID() int {
	if p == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Stop asks the program to end, and waits until it has. One that was not started is no matter.
func (p *Process) Stop() {
	if p != nil {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
		_ = p.cmd.Wait()
	}
}

// readyWithin bounds the start of a server.
const readyWithin = time.Minute

// WaitReady waits until a server answers a URL with 200.
func WaitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("ask whether the server is ready: %w", err)
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w", ctx.Err())
		}
	}
}

// FreeAddress is one of this machine at which nobody listens.
func FreeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
