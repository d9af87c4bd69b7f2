package gqlhttp

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/vektah/gqlparser/v2/ast"
)

// operation is one subscribe message's, from its registration until it is retired:
// completed, failed, stopped by the client, or ended with the socket.
type operation struct {
	id     string
	head   []byte // of its next messages
	ctx    context.Context
	cancel context.CancelFunc
	ended  atomic.Bool // a live query's Done was seen

	// Under the socket's lock. The writer reads sub and last without: they are
	// set before the operation is first ready.
	sub    Subscription // nil unless live
	last   [][]byte     // what a query, a mutation or a refusal ends with
	queued bool         // is in ready
	gone   bool         // is retired: nothing more may be sent
}

// register takes an id ([WS] Subscribe). Its error is a closure, or a fault for
// the operation alone.
func (s *socket) register(id string) (*operation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, errDropped
	case s.ops[id] != nil:
		return nil, duplicate(id)
	case s.draining:
		return nil, errRestarting
	case len(s.ops) >= s.h.config.MaxSubscriptions:
		return nil, fault.Newf(fault.BadUserInput, "A connection has at most %d operations at a time.", s.h.config.MaxSubscriptions)
	}
	op := &operation{id: id, head: nextHead(id)}
	op.ctx, op.cancel = context.WithCancel(s.who)
	s.ops[id] = op
	return op, nil
}

// begin runs a query or a mutation, or joins a live query. Parsing is done by the
// reader, so that a connection takes one processor at most with it.
func (s *socket) begin(op *operation, q *request) {
	parsed, bad := s.h.parse(op.ctx, q)
	switch {
	case bad != nil:
		s.conclude(op, bad)
	case parsed.Operation.Operation == ast.Subscription:
		s.join(op, q, parsed)
	default:
		s.tasks.Go(func() {
			defer s.rescue()
			s.conclude(op, s.h.execute(op.ctx, parsed, time.Now().Add(s.h.config.Timeout)))
		})
	}
}

func (s *socket) join(op *operation, q *request, parsed *graphql.OperationContext) {
	sub, err := s.h.subscribe(op.ctx, s.scope, q, parsed)
	if err != nil {
		f, _ := fault.Of(err)
		s.conclude(op, failed(f))
		return
	}
	s.mu.Lock()
	op.sub = sub
	gone := op.gone
	s.mu.Unlock()
	if gone { // the socket ended meanwhile
		sub.Close()
		return
	}
	s.tasks.Go(func() { s.watch(op) })
	s.nudge()
}

// watch tells the writer when a live query has something to send.
func (s *socket) watch(op *operation) {
	defer s.rescue()
	for {
		select {
		case <-op.ctx.Done():
			return
		case <-op.sub.Ready():
			s.signal(op)
		case <-op.sub.Done():
			op.ended.Store(true)
			s.signal(op)
			return
		}
	}
}

// conclude makes an answer the last that an operation sends: errors alone if it was
// not executed ([WS] Error), else next and complete.
func (s *socket) conclude(op *operation, a *answer) {
	last := [][]byte{errorMessage(op.id, a.encodeErrors())}
	if a.data != nil {
		next := append(append(append([]byte(nil), op.head...), a.encode()...), '}')
		last = [][]byte{next, completeMessage(op.id)}
	}
	s.mu.Lock()
	op.last = last
	s.mu.Unlock()
	s.signal(op)
}

// lastOf is how a live query ends.
func lastOf(op *operation) [][]byte {
	err := op.sub.Err()
	if err == nil {
		return [][]byte{completeMessage(op.id)}
	}
	f, _ := fault.Of(err)
	return [][]byte{errorMessage(op.id, failed(f).encodeErrors())}
}

// signal puts an operation up for the writer, once.
func (s *socket) signal(op *operation) {
	s.mu.Lock()
	if !op.gone && !op.queued {
		op.queued = true
		s.ready = append(s.ready, op)
	}
	s.mu.Unlock()
	s.nudge()
}

// nudge has the writer look again.
func (s *socket) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// takeReady gives the operations that have something to send.
func (s *socket) takeReady() (ready []*operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range s.ready {
		op.queued = false
		if !op.gone {
			ready = append(ready, op)
		}
	}
	clear(s.ready) // retired operations are not ours to keep alive
	s.ready = s.ready[:0]
	return ready
}

// retire ends an operation, frees its id, and tells whether it was this call that
// did: only that one may send a last message.
func (s *socket) retire(op *operation) bool {
	s.mu.Lock()
	first := !op.gone
	op.gone = true
	if s.ops[op.id] == op {
		delete(s.ops, op.id)
	}
	sub := op.sub
	s.mu.Unlock()
	op.cancel()
	if sub != nil {
		sub.Close()
	}
	s.nudge() // a draining socket may be idle now
	return first
}

// stop ends all operations, for good.
func (s *socket) stop() {
	s.mu.Lock()
	s.stopped = true
	ops := make([]*operation, 0, len(s.ops))
	for _, op := range s.ops {
		ops = append(ops, op)
	}
	s.mu.Unlock()
	for _, op := range ops {
		s.retire(op)
	}
}

// drain refuses new operations.
func (s *socket) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// idle tells whether nothing is in flight: no reply, no frame, no query.
func (s *socket) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range s.ops {
		if op.sub == nil {
			return false
		}
	}
	return len(s.ready) == 0 && len(s.replies) == 0
}
