package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// database is what the server is for; it is made if it is missing.
const database = "tidemark"

const maxTries = 6

// boot starts the server and waits until it answers, on another port if someone
// takes the first one meanwhile. It returns the URL of our database.
func (c *cluster) boot(ctx context.Context, in install, password string) (*process, string, error) {
	for try := 1; ; try++ {
		port, err := pickPort(c.file("port"))
		if err != nil {
			return nil, "", fmt.Errorf("find a port: %w", err)
		}
		address := serverURL(password, port)
		server, err := c.bootOnce(ctx, in, port, address)
		if err == nil {
			c.log.Info("PostgreSQL runs", "version", in.version.String(), "port", port, "data", c.data, "binaries", in.origin)
			c.keepPort(port)
			return server, address, nil
		}
		if try == maxTries || !mayPass(err) {
			return nil, "", err
		}
		c.log.Info("starting PostgreSQL again", "because", lastLines(err.Error(), 1))
		select {
		case <-ctx.Done():
			return nil, "", err
		case <-time.After(time.Duration(try) * 200 * time.Millisecond):
		}
	}
}

// keepPort is for a stable URL; a start without the file gets another port.
func (c *cluster) keepPort(port int) {
	if err := replaceFile(c.file("port"), strconv.Itoa(port)+"\n"); err != nil {
		c.log.Warn("the next start will have another port", "err", err)
	}
}

// mayPass tells whether another try makes sense: someone took the port, or the
// processes of a killed server are still on their way out.
func mayPass(err error) bool {
	return strings.Contains(err.Error(), inUse) ||
		strings.Contains(err.Error(), "pre-existing shared memory block")
}

func serverURL(password string, port int) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// bootOnce returns a server that answers, or leaves none behind.
func (c *cluster) bootOnce(ctx context.Context, in install, port int, address string) (*process, error) {
	log := c.file("postgres.log")
	out, from, err := openLog(log)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the server has its own descriptor
	cmd := c.command(in, "postgres", c.settings(port)...)
	cmd.Stdout, cmd.Stderr = out, out
	server, err := launch(cmd, c.deathSignal())
	if err != nil {
		return nil, err
	}
	if err = c.awaitReady(ctx, server, address); err == nil {
		return server, nil
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	stop := end(server.handle, server.done, postgresSteps(stopping), c.log)
	return nil, errors.Join(fmt.Errorf("%w. The end of %s:\n%s", err, log, logTail(log, from, 20)), stop)
}
