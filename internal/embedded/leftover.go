package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stopLeftover ends a server that outlived the process which started it. We
// hold the lock, so nobody of ours needs it any more.
func (c *cluster) stopLeftover(ctx context.Context) error {
	pidfile := filepath.Join(c.data, "postmaster.pid")
	text, err := os.ReadFile(pidfile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read pid of an earlier server: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return nil //nolint:nilerr // PostgreSQL says what it thinks of such a file
	}
	if !serves(pid, c.data) {
		return c.dropPidfile(pidfile, pid)
	}
	return c.stopPid(ctx, pid)
}

// serves tells whether a process is a PostgreSQL on this data, and not one that
// got the number of a dead one.
func serves(pid int, data string) bool {
	command, folder, alive := inspect(pid)
	if !alive || len(command) == 0 {
		return false
	}
	if name := filepath.Base(command[0]); name != "postgres" && name != "postmaster" {
		return false
	}
	return folder == data || slices.Contains(command, data) ||
		strings.Contains(strings.Join(command, " ")+" ", " "+data+" ")
}

// dropPidfile removes a file whose number belongs to someone else now, or to a
// zombie: PostgreSQL would take that for a living server. A plainly dead one is
// left to PostgreSQL, which then looks for orphans of it in shared memory.
func (c *cluster) dropPidfile(pidfile string, pid int) error {
	if !exists(pid) {
		return nil
	}
	c.log.Info("removing the pid file of a server that is gone", "pid", pid)
	if err := os.Remove(pidfile); err != nil {
		return fmt.Errorf("remove stale pid file: %w", err)
	}
	return nil
}

func (c *cluster) stopPid(ctx context.Context, pid int) error {
	c.log.Warn("stopping a PostgreSQL that an earlier run left behind", "pid", pid, "data", c.data)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	handle, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("stop earlier server: %w", err)
	}
	defer handle.Release()
	gone := make(chan struct{})
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop() // and with it the watcher
	go closeWhenGone(watch, pid, c.data, gone)
	if err := end(handle, gone, postgresSteps(ctx), c.log); err != nil && !errors.Is(err, errKilled) {
		return fmt.Errorf("stop earlier server: %w", err)
	}
	return nil
}

// closeWhenGone looks again and again: only a parent is told of an end.
func closeWhenGone(ctx context.Context, pid int, data string, gone chan<- struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for serves(pid, data) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	close(gone)
}
