package gqlhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/websocket"
)

// socket is one websocket. One goroutine waits for its messages; whoever has something for it
// puts that up, and a writer of all sockets sends it. Whoever finds a reason to end it calls
// end, and the first reason given is told to the client. So an idle socket costs a waiting
// goroutine and what is in here.
type socket struct {
	h      *Handler
	conn   *websocket.Conn
	header http.Header // of the upgrade request, what operations look at
	start  time.Time

	ctx    context.Context // ends with the socket; its cause says how
	cancel context.CancelCauseFunc
	over   atomic.Bool    // end was called
	seen   atomic.Int64   // when the client last gave a sign of life, since start
	acked  atomic.Bool    // connection_ack was sent, or is about to be
	tasks  sync.WaitGroup // its goroutines
	pulse  *time.Timer

	// Of the reader alone.
	initialised   bool
	authorization string          // of the upgrade request
	who           context.Context // as Authenticate gave it
	scope         string          // one text for all who have it
	party         *party          // whose limit of connections it counts against; nil: not yet

	mu      sync.Mutex
	stopped bool // the socket is over, and takes no more operations
	ops     map[string]*operation
	ready   line          // have something to send; at most MaxSubscriptions
	replies []byte        // the reader's, in order, as frames
	room    chan struct{} // the reader waits for it when replies are too many; nil: it does not
	unsent  int           // bytes of answers that wait
	turning bool          // a writer has it, or will
	writing bool          // somebody writes: from the first byte of a message to its last
	free    chan struct{} // finish waits for who writes; nil: it does not
}

// serveSocket upgrades, unless the page is foreign (403) or there is no room (503).
func (h *Handler) serveSocket(x *exchange) {
	if !h.originAllowed(x.r) {
		x.fail(fault.New(fault.Forbidden, "This origin may not open a websocket here."))
		return
	}
	if err := h.connections.join(); err != nil {
		x.fail(err)
		return
	}
	conn, err := websocket.Upgrade(x.w, x.r, h.config.MaxBody, subprotocol)
	if err != nil {
		h.connections.leave()
		if refused, ok := errors.AsType[*websocket.Refusal](err); ok {
			x.fail(&refusal{status: refused.Status, fault: fault.New(fault.BadUserInput, refused.Message)})
		}
		return
	}
	h.newSocket(conn, x.r).begin()
}

func (h *Handler) newSocket(conn *websocket.Conn, r *http.Request) *socket {
	s := &socket{h: h, conn: conn, start: time.Now(), authorization: r.Header.Get("Authorization"), ops: map[string]*operation{}}
	if keys := r.Header.Values(keyHeader); len(keys) > 0 {
		s.header = http.Header{keyHeader: keys}
	}
	// net/http does not end a hijacked request's context, and need not; nor need it be kept.
	s.ctx, s.cancel = context.WithCancelCause(fault.Carry(r.Context()))
	return s
}

// begin leaves the socket to its goroutines.
func (s *socket) begin() {
	s.pulse = time.AfterFunc(min(s.h.config.InitTimeout, s.h.config.PingInterval), s.beat)
	s.h.connections.hold(s)
	s.tasks.Go(s.read)
	switch {
	case s.conn.Subprotocol() == "":
		s.end(closedSubprotocol)
	case s.h.connections.isClosing():
		s.nudge() // which ends it: shutdown may have looked before it was held
	}
}

// closeWithin bounds the goodbye: ours, and the client's.
const closeWithin = 5 * time.Second

// end asks the socket to end; the first reason counts.
func (s *socket) end(reason error) {
	if !s.over.CompareAndSwap(false, true) {
		return
	}
	s.cancel(reason)
	s.conn.SetDeadline(time.Now().Add(closeWithin)) // nobody reads or writes for longer
	if errors.Is(reason, errDropped) {
		s.conn.CloseNow()
	}
	go s.finish(reason) // which connections wait for
}

// finish owns the socket's end: it stops the operations, tells the client, waits for the
// client's goodbye and for all goroutines, and lets go.
func (s *socket) finish(reason error) {
	defer s.h.connections.release(s)
	defer s.conn.CloseNow()
	s.pulse.Stop()
	s.stop()
	if c, ok := errors.AsType[*websocket.Closure](reason); ok {
		s.awaitWriter()
		if err := s.conn.Write(websocket.AppendClose(nil, c), time.Now().Add(closeWithin)); err != nil {
			s.conn.CloseNow() // and do not wait for an answer to what was not sent
		}
	}
	s.tasks.Wait()
}

func (s *socket) touch() { s.seen.Store(int64(time.Since(s.start))) }

// silence is how long the client has given no sign of life.
func (s *socket) silence() time.Duration {
	return time.Since(s.start) - time.Duration(s.seen.Load())
}

// beat pings, and ends a socket that was not initialised in time or whose client has answered
// nothing for two intervals.
func (s *socket) beat() {
	defer s.rescue()
	interval := s.h.config.PingInterval
	if !s.acked.Load() {
		left := s.h.config.InitTimeout - time.Since(s.start)
		if left <= 0 {
			s.end(closedInitTimeout)
			return
		}
		s.pulse.Reset(min(left, interval))
		return
	}
	left := 2*interval - s.silence()
	if left <= 0 {
		s.end(fmt.Errorf("%w: silent", errDropped))
		return
	}
	s.say(websocket.Text, pingMessage)
	if !s.over.Load() {
		s.pulse.Reset(min(left, interval))
	}
}

// rescue ends the socket, and no more, after a panic in one of its goroutines.
func (s *socket) rescue() {
	if v := recover(); v != nil {
		s.h.panicked(s.ctx, v)
		s.end(closedInternal)
	}
}
