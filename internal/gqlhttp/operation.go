package gqlhttp

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/vektah/gqlparser/v2/ast"
)

// operation is one subscribe message's, from its registration until it is retired:
// completed, failed, stopped by the client, or ended with the socket.
type operation struct {
	id   string
	head []byte // of its next messages; in room, if it is as short as most are

	// Under the socket's lock. The writer reads sub and last without: they are
	// set before the operation is first ready.
	sub    Subscription // nil unless live
	cancel func()       // gives a query up; nil unless one runs
	last   [][]byte     // what a query, a mutation or a refusal ends with
	size   int          // of last, in bytes
	begun  bool         // sub or last is set
	queued bool         // is in ready
	gone   bool         // is retired: nothing more may be sent
	behind *operation   // in the line; nil: it is the last
	room   [64]byte
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
	case s.h.connections.isClosing():
		return nil, errRestarting
	case len(s.ops) >= s.h.config.MaxSubscriptions:
		return nil, fault.Newf(fault.BadUserInput, "A connection has at most %d operations at a time.", s.h.config.MaxSubscriptions)
	}
	op := &operation{id: id}
	op.head = appendNextHead(op.room[:0], id)
	s.ops[id] = op
	return op, nil
}

// execute runs a query or a mutation, or joins a live query. Parsing and admission are done by
// the reader, so that a connection takes one processor at most with them.
func (s *socket) execute(op *operation, q *request) {
	parsed, bad := s.h.parse(s.who, q)
	var admission Admission
	if bad == nil {
		admission, bad = s.h.admit(s.who, parsed)
	}
	switch {
	case bad != nil:
		s.conclude(op, bad)
	case parsed.Operation.Operation == ast.Subscription:
		s.join(op, q, parsed)
	default:
		s.once(op, q, parsed, admission)
	}
}

// once runs a query or a mutation, which the client may give up.
func (s *socket) once(op *operation, q *request, parsed *graphql.OperationContext, admission Admission) {
	ctx, cancel := context.WithCancel(s.who)
	s.mu.Lock()
	op.cancel = cancel
	s.mu.Unlock()
	s.tasks.Go(func() {
		defer s.rescue()
		defer cancel()
		a, err := s.h.perform(ctx, s.scope, q, parsed, time.Now().Add(s.h.config.Timeout))
		if err != nil {
			a = s.h.unanswered(ctx, err)
		}
		a.extend(admission)
		s.conclude(op, a)
	})
}

func (s *socket) join(op *operation, q *request, parsed *graphql.OperationContext) {
	sub, err := s.h.subscribe(s.who, s.scope, q, parsed, func() { s.signal(op) })
	if err != nil {
		f, _ := fault.Of(err)
		s.conclude(op, failed(f))
		return
	}
	s.mu.Lock()
	op.sub, op.begun = sub, true
	gone := op.gone
	s.mu.Unlock()
	if gone { // the socket ended meanwhile
		sub.Close()
		return
	}
	s.signal(op) // what came before it was joined
}

// conclude makes an answer the last that an operation sends: errors alone if it was
// not executed ([WS] Error), else next and complete.
func (s *socket) conclude(op *operation, a *answer) {
	last := [][]byte{errorMessage(op.id, a.withExtensions().encodeErrors())}
	if a.executed() {
		next := append(append(append([]byte(nil), op.head...), a.encode()...), '}')
		last = [][]byte{next, completeMessage(op.id)}
	}
	s.mu.Lock()
	op.last, op.begun = last, true
	for _, message := range last {
		op.size += len(message)
	}
	if !op.gone {
		s.unsent += op.size
	}
	flooded := s.unsent > op.size && s.unsent > s.h.config.MaxUnsent
	s.mu.Unlock()
	if flooded {
		s.end(closedUnread)
	}
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
