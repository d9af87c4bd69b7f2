//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// client is thousands of subscribers in one goroutine, over epoll: it shares the processors
// with what is measured, and so does as little as it can. Its loop owns the sockets.
type client struct {
	tally

	epoll    int
	commands chan func()
	ended    chan struct{}

	// Of the loop alone.
	target  target
	sockets []*socket // by descriptor
	queue   []int     // topics of sockets to dial
	again   []int     // and of those to dial again, a moment later
	dialing int
	atOnce  int  // how many are dialed at a time
	redial  bool // a socket that ends is dialed again
}

// target is what is subscribed to, with all that a subscriber sends, by topic.
type target struct {
	address syscall.SockaddrInet4
	upgrade [][]byte // the HTTP request
	hello   [][]byte // connection_init and subscribe, in frames
}

const (
	// patience is how long epoll waits before commands are looked at.
	patience = 5 * time.Millisecond
	// breath is taken after every look, so that messages are read many at a time: waking up for
	// each would cost more than reading it, and that time would be missing to the server. Delays
	// come out longer by up to that.
	breath = time.Millisecond
	// retryAfter is how long those wait, together, who are to come back and were refused.
	retryAfter = 100 * time.Millisecond
)

func newClient() (*client, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make epoll: %w", err)
	}
	c := &client{tally: tally{changed: make(chan struct{}, 1)}, epoll: epoll, commands: make(chan func()), ended: make(chan struct{})}
	return c, nil
}

// addressOf is host:port as the system takes it.
func addressOf(listen string) (a syscall.SockaddrInet4, err error) {
	ap, err := netip.ParseAddrPort(listen)
	if err != nil || !ap.Addr().Is4() {
		return a, fmt.Errorf("read address %q: %w", listen, err)
	}
	return syscall.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}, nil
}

// run is the loop. It ends with ctx.
func (c *client) run(ctx context.Context) {
	defer close(c.ended)
	defer func() { _ = syscall.Close(c.epoll) }()
	events := make([]syscall.EpollEvent, 2048)
	buffer := make([]byte, 1<<18)
	rest := time.NewTicker(breath)
	defer rest.Stop()
	retry := time.NewTicker(retryAfter)
	defer retry.Stop()
	for ctx.Err() == nil {
		<-rest.C
		n, err := syscall.EpollWait(c.epoll, events, int(patience.Milliseconds()))
		if err != nil && !errors.Is(err, syscall.EINTR) {
			panic(fmt.Errorf("wait for sockets: %w", err)) // epoll itself is not to be had
		}
		c.mu.Lock()
		for _, e := range events[:max(n, 0)] {
			if s := c.sockets[e.Fd]; s != nil {
				c.serve(s, e.Events, buffer)
			}
		}
		select {
		case <-retry.C:
			c.queue, c.again = append(c.queue, c.again...), c.again[:0]
		default:
		}
		c.dialMore()
		c.obey()
		c.mu.Unlock()
		if n > 0 {
			c.signal()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeAll()
}

// obey does what others want of the loop.
func (c *client) obey() {
	select {
	case do := <-c.commands:
		do()
	default:
	}
}

// do has the loop do something, and waits until it has.
func (c *client) do(what func()) {
	done := make(chan struct{})
	select {
	case c.commands <- func() { what(); close(done) }:
		<-done
	case <-c.ended:
	}
}

const (
	connectedWithin = 2 * time.Minute
	dialsAtOnce     = 200 // fewer than wait to be accepted, at most
)

// open subscribes, spread over the topics, and returns when all have their first answer.
func (c *client) open(ctx context.Context, to target, subscribers, topics, atOnce int) error {
	c.do(func() {
		c.target, c.atOnce = to, atOnce
		c.answered, c.wrong, c.lost, c.failure, c.sample = 0, 0, 0, nil, nil
		for i := range subscribers {
			c.queue = append(c.queue, i%topics)
		}
	})
	return c.answeredAll(ctx, subscribers)
}

func (c *client) answeredAll(ctx context.Context, subscribers int) error {
	var answered int
	late, err := c.await(ctx, connectedWithin, func() bool { answered = c.answered; return answered >= subscribers })
	if err == nil && late {
		err = fmt.Errorf("of %d subscribers %d have an answer after %v", subscribers, answered, connectedWithin)
	}
	return err
}

// close leaves, all at once.
func (c *client) close() { c.do(c.closeAll) }

func (c *client) closeAll() {
	for _, s := range c.sockets {
		if s != nil {
			c.drop(s)
		}
	}
	c.queue, c.again, c.dialing, c.answered = nil, nil, 0, 0
}

func (c *client) drop(s *socket) {
	if s.stage < live {
		c.dialing--
	}
	c.sockets[s.fd] = nil
	_ = syscall.Close(s.fd)
}
