package gqlhttp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/websocket"
)

// connections counts what outlives a request, sockets and streams, and ends it.
type connections struct {
	limit, partyLimit int
	closing           chan struct{}      // closed when shutdown begins: finish, and leave
	base              context.Context    // ends when shutdown loses patience: leave at once
	abort             context.CancelFunc // ends base

	mu       sync.Mutex
	open     int
	sockets  map[*socket]struct{}
	parties  map[string]*party
	shutting bool
	within   time.Duration // in which those who leave should come again
	empty    chan struct{} // closed when shutting and none is open
}

// party is who shares a limit of connections.
type party struct {
	name string
	open int
}

func newConnections(limit, partyLimit int) *connections {
	c := &connections{
		limit: limit, partyLimit: partyLimit,
		closing: make(chan struct{}), empty: make(chan struct{}),
		sockets: map[*socket]struct{}{}, parties: map[string]*party{},
	}
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

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

func (c *connections) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	c.settle()
}

// enter counts a connection to a party's; nil if it has no room for one more. Whoever entered
// exits.
func (c *connections) enter(name string) *party {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.parties[name]
	if p == nil {
		p = &party{name: name}
		c.parties[name] = p
	}
	if p.open >= c.partyLimit {
		return nil
	}
	p.open++
	return p
}

func (c *connections) exit(p *party) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.open--; p.open == 0 {
		delete(c.parties, p.name)
	}
}

// hold knows a socket until it is released.
func (c *connections) hold(s *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets[s] = struct{}{}
}

// release counts a socket out.
func (c *connections) release(s *socket) {
	if s.party != nil {
		c.exit(s.party)
	}
	c.mu.Lock()
	delete(c.sockets, s)
	c.mu.Unlock()
	c.leave()
}

// settle is called with the lock held.
func (c *connections) settle() {
	if c.shutting && c.open == 0 {
		close(c.empty)
	}
}

func (c *connections) shutdown(ctx context.Context) error {
	for _, s := range c.begin() {
		s.nudge() // it ends after this turn, if it is idle then
	}
	select {
	case <-c.empty:
		return nil
	case <-ctx.Done():
		c.abort()
		for _, s := range c.held() {
			s.end(c.farewell())
		}
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

// begin refuses new connections, and gives the sockets that are open.
func (c *connections) begin() []*socket {
	c.mu.Lock()
	if !c.shutting {
		c.shutting = true
		c.within = returnWithin(c.open)
		close(c.closing)
		c.settle()
	}
	c.mu.Unlock()
	return c.held()
}

func (c *connections) held() []*socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*socket, 0, len(c.sockets))
	for s := range c.sockets {
		all = append(all, s)
	}
	return all
}

// returnWithin spreads the return of n clients, so that the next server takes a few hundred in
// a second more than it would without.
func returnWithin(n int) time.Duration {
	return min(max(time.Duration(n)*2*time.Millisecond, time.Second), 20*time.Second)
}

// advice is after how long a client that has to leave should come again: each another time.
func (c *connections) advice() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return rand.N(max(c.within, time.Second)).Truncate(time.Millisecond)
}

// farewell closes a socket of a server that stops, and advises when to come again.
func (c *connections) farewell() *websocket.Closure {
	return &websocket.Closure{Code: websocket.ServiceRestart, Reason: fmt.Sprintf("Service restart: come again in %d ms", c.advice().Milliseconds())}
}

var errRestarting = fault.New(fault.Unavailable, "The server is restarting. Try again.")
