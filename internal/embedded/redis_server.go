package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func startRedisServer(ctx context.Context, o RedisOptions, m machine, binary, kind string) (*Redis, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	lock, err := acquireLock(filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	stopLeftoverRedis(ctx, o)
	r := &Redis{Kind: kind, lock: lock, log: o.Logger, exited: make(chan error, 1)}
	if err := r.boot(ctx, o, m, binary); err != nil {
		lock.Close()
		return nil, err
	}
	go r.watch() // ends with the server, which Stop ends
	return r, nil
}

func (r *Redis) boot(ctx context.Context, o RedisOptions, m machine, binary string) error {
	password := newPassword()
	for try := 1; ; try++ {
		port, err := anyPort()
		if err != nil {
			return fmt.Errorf("find a port: %w", err)
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		r.URL = redisURL(password, address)
		// Before the start, so that a server is never without its note.
		if err := replaceFile(filepath.Join(o.Dir, "running"), address+" "+password+"\n"); err != nil {
			return err
		}
		err = r.bootOnce(ctx, o, m, binary, address, password)
		if err == nil {
			o.Logger.Info("Redis runs", "kind", r.Kind, "address", address)
			return nil
		}
		if try == maxTries || !strings.Contains(err.Error(), inUse) {
			return err
		}
	}
}

// bootOnce starts a server that answers, or leaves none behind.
func (r *Redis) bootOnce(ctx context.Context, o RedisOptions, m machine, binary, address, password string) error {
	log := filepath.Join(o.Dir, "redis.log")
	out, from, err := openLog(log)
	if err != nil {
		return err
	}
	defer out.Close() // the server has its own descriptor
	cmd := exec.Command(binary, "-")
	cmd.Dir = o.Dir
	cmd.Stdin = strings.NewReader(redisConfig(o.Dir, address, password))
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second // it reads all of its input, or has ended
	death := syscall.SIGTERM
	if m.outlive {
		death = 0
	}
	if r.server, err = launch(cmd, death); err != nil {
		return err
	}
	if err = awaitRedis(ctx, r.server, address, password); err == nil {
		return nil
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	stop := end(r.server.handle, r.server.done, redisSteps(stopping), r.log)
	return errors.Join(fmt.Errorf("%w. The end of %s:\n%s", err, log, logTail(log, from, 20)), stop)
}

// redisConfig goes to the server's standard input: on the command line, every
// user of the machine could read the password.
func redisConfig(dir, address, password string) string {
	_, port, _ := net.SplitHostPort(address)
	return strings.Join([]string{
		"bind 127.0.0.1",
		"port " + port,
		"requirepass " + password, // every user of the machine can reach the port
		"dir " + strconv.Quote(dir),
		`save ""`, // hints need no disk
		"appendonly no",
		"maxmemory-policy noeviction", // losing a counter in silence is worse than an error
		"daemonize no",
		"",
	}, "\n")
}

// awaitRedis returns when the server answers; at once, with an error, if it ends.
func awaitRedis(ctx context.Context, server *process, address, password string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	running, stop := whileRuns(ctx, server)
	defer stop()
	for {
		err := askRedis(running, address, password, "PING", "+PONG")
		if err == nil {
			return nil
		}
		select {
		case <-server.done:
			return fmt.Errorf("it ended: %s", server.ending())
		case <-ctx.Done():
			return fmt.Errorf("wait until it answers: %w", cmp.Or(err, context.Cause(ctx)))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stopLeftoverRedis ends a server that outlived the process which started it.
// That it takes the password is the proof that it is ours. If it is gone, that
// is as good.
func stopLeftoverRedis(ctx context.Context, o RedisOptions) {
	text, err := os.ReadFile(filepath.Join(o.Dir, "running"))
	address, password, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
	if err != nil || !ok || askRedis(ctx, address, password, "PING", "+PONG") != nil {
		return
	}
	o.Logger.Warn("stopping a Redis that an earlier run left behind", "address", address)
	// It closes the connection instead of answering.
	_ = askRedis(ctx, address, password, "SHUTDOWN NOSAVE", "")
}
