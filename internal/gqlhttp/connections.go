package gqlhttp

import (
	"context"
	"sync"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// connections counts what outlives a request, sockets and streams, and ends it.
type connections struct {
	limit   int
	closing chan struct{}      // closed when shutdown begins: finish, and leave
	base    context.Context    // ends when shutdown loses patience: leave at once
	abort   context.CancelFunc // ends base

	mu       sync.Mutex
	open     int
	shutting bool
	empty    chan struct{} // closed when shutting and none is open
}

func newConnections(limit int) *connections {
	c := &connections{limit: limit, closing: make(chan struct{}), empty: make(chan struct{})}
	c.base, c.abort = context.WithCancel(context.Background())
	return c
}

// join counts a connection in, or refuses it with UNAVAILABLE. Whoever joined
// leaves.
func (c *connections) join() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shutting {
		return errRestarting
	}
	if c.open >= c.limit {
		return fault.New(fault.Unavailable, "Too many connections are open. Try again later.")
	}
	c.open++
	return nil
}

func (c *connections) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	c.settle()
}

// settle is called with the lock held.
func (c *connections) settle() {
	if c.shutting && c.open == 0 {
		close(c.empty)
	}
}

func (c *connections) shutdown(ctx context.Context) error {
	c.begin()
	select {
	case <-c.empty:
		return nil
	case <-ctx.Done():
		c.abort()
		return ctx.Err()
	}
}

func (c *connections) isClosing() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

func (c *connections) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shutting {
		return
	}
	c.shutting = true
	close(c.closing)
	c.settle()
}

var errRestarting = fault.New(fault.Unavailable, "The server is restarting. Try again.")
