package gqlhttp

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// socket is one websocket. Its reader takes messages in, its writer is the only
// one that sends. Whoever finds a reason to end it calls end; the writer leaves,
// and serve closes with the first reason given.
type socket struct {
	h      *Handler
	conn   *websocket.Conn
	header http.Header // of the upgrade request
	start  time.Time

	ctx     context.Context // ends with the socket; its cause says how
	cancel  context.CancelCauseFunc
	seen    atomic.Int64  // when the client last gave a sign of life, since start
	acked   atomic.Bool   // connection_ack was sent, or is about to be
	replies chan []byte   // the reader's, in order; full, it holds the reader up
	wake    chan struct{} // holds a value when ready may have operations
	tasks   sync.WaitGroup

	// Of the reader alone.
	initialised bool
	who         context.Context // as Authenticate gave it
	scope       string
	unwatch     func() bool // stops watching who

	mu      sync.Mutex
	stopped bool // the socket is over, and takes no more operations
	ops     map[string]*operation
	ready   []*operation // have something to send; at most MaxSubscriptions
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
	defer h.connections.leave()
	s := &socket{h: h, header: x.r.Header, start: time.Now(),
		replies: make(chan []byte, 8), wake: make(chan struct{}, 1), ops: map[string]*operation{}}
	conn, err := websocket.Accept(x.w, x.r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // originAllowed has looked
		OnPingReceived:     func(context.Context, []byte) bool { s.touch(); return true },
		OnPongReceived:     func(context.Context, []byte) { s.touch() },
	})
	if err != nil {
		return // Accept has answered
	}
	s.conn = conn
	conn.SetReadLimit(h.config.MaxBody)
	s.serve(x.r.Context())
}

// serve owns the socket's goroutines: it is the writer, and returns once the
// reader and all operations have ended.
func (s *socket) serve(ctx context.Context) {
	defer s.conn.CloseNow()
	if s.conn.Subprotocol() == "" {
		_ = s.conn.Close(closedSubprotocol.code, closedSubprotocol.reason)
		return
	}
	// net/http does not end a hijacked request's context, and need not.
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	defer s.cancel(nil)
	defer context.AfterFunc(s.h.connections.base, func() { s.end(closedRestart) })()
	s.tasks.Go(s.read)
	s.write()
	s.stop()
	s.close()
	s.tasks.Wait()
	if s.unwatch != nil {
		s.unwatch()
	}
}

// end asks the socket to end; the first reason counts.
func (s *socket) end(reason error) { s.cancel(reason) }

// close says goodbye, in at most ten seconds, if the reason is one to tell.
func (s *socket) close() {
	var c *closure
	if errors.As(context.Cause(s.ctx), &c) {
		_ = s.conn.Close(c.code, c.reason)
		return
	}
	_ = s.conn.CloseNow()
}

func (s *socket) touch() { s.seen.Store(int64(time.Since(s.start))) }

// silence is how long the client has given no sign of life.
func (s *socket) silence() time.Duration {
	return time.Since(s.start) - time.Duration(s.seen.Load())
}

// rescue ends the socket, and no more, after a panic in one of its goroutines.
func (s *socket) rescue() {
	if v := recover(); v != nil {
		s.h.panicked(s.ctx, v)
		s.end(closedInternal)
	}
}
