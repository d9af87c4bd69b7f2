package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// target is something to ask again and again: where it listens, and the request to the byte.
type target struct {
	address string
	request []byte
}

// targetOf makes the request: a GET, or a POST of a body with a key.
func targetOf(base, path, key string, body []byte) (target, error) {
	u, err := url.Parse(base)
	if err != nil {
		return target{}, fmt.Errorf("read URL: %w", err)
	}
	var text bytes.Buffer
	if body == nil {
		fmt.Fprintf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, u.Host)
	} else {
		fmt.Fprintf(&text, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, u.Host, key, len(body), body)
	}
	return target{u.Host, text.Bytes()}, nil
}

// load asks over all connections for a while, and returns the answers a second. The client
// does as little as it can: it shares the processors with what is measured.
func (t target) load(ctx context.Context, length time.Duration) (perSecond float64, err error) {
	var answers atomic.Int64
	ctx, cancel := context.WithTimeout(ctx, 10*length+time.Minute)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for range connections {
		group.Go(func() error {
			c, err := t.dial(ctx)
			if err != nil {
				return err
			}
			defer c.close()
			for time.Since(start) < length {
				if err := c.ask(nil); err != nil {
					return err
				}
				answers.Add(1)
			}
			return nil
		})
	}
	err = group.Wait()
	return float64(answers.Load()) / time.Since(start).Seconds(), err
}

// once gives one answer.
func (t target) once(ctx context.Context) ([]byte, error) {
	c, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var body bytes.Buffer
	err = c.ask(&body)
	return body.Bytes(), err
}

// client is one connection that is kept alive.
type client struct {
	target
	conn   net.Conn
	reader *bufio.Reader
}

func (t target) dial(ctx context.Context) (*client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline) // none, if there is none
	return &client{t, conn, bufio.NewReaderSize(conn, 1<<16)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// ask sends the request, and reads the answer's body into a buffer, or over it.
func (c *client) ask(into *bytes.Buffer) error {
	if _, err := c.conn.Write(c.request); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	status, size, err := c.head()
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if into != nil || status != 200 {
		var body bytes.Buffer
		if into == nil {
			into = &body
		}
		if _, err := io.CopyN(into, c.reader, int64(size)); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		if status != 200 {
			return fmt.Errorf("the answer is %d: %.300s", status, into.Bytes())
		}
		return nil
	}
	_, err = c.reader.Discard(size)
	return err
}

var lengthField = []byte("Content-Length: ")

// head reads the status and the length of the body.
func (c *client) head() (status, size int, err error) {
	size = -1
	for first := true; ; first = false {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first && len(line) >= 12:
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, 0, fmt.Errorf("no status in %q", line)
			}
		case bytes.HasPrefix(line, lengthField):
			if size, err = strconv.Atoi(string(line[len(lengthField):])); err != nil {
				return 0, 0, fmt.Errorf("no length in %q", line)
			}
		case len(line) == 0 && size < 0:
			return 0, 0, fmt.Errorf("the answer does not say how long it is")
		case len(line) == 0:
			return status, size, nil
		}
	}
}
