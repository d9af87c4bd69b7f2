package gqlhttp

import (
	"context"
	"errors"
	"fmt"

	"github.com/coder/websocket"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// read takes messages in until the socket ends. It reads without a deadline: the
// writer drops a client that is silent for too long.
func (s *socket) read() {
	defer s.rescue()
	for s.ctx.Err() == nil {
		kind, data, err := s.conn.Read(context.Background())
		switch {
		case errors.Is(err, websocket.ErrMessageTooBig):
			s.end(closedTooBig)
		case err != nil:
			s.end(fmt.Errorf("%w: %w", errDropped, err))
		case s.ctx.Err() == nil:
			s.touch()
			if err := s.handle(kind, data); err != nil {
				s.end(err)
			}
		}
	}
}

// handle acts on one message. Its error ends the socket.
func (s *socket) handle(kind websocket.MessageType, data []byte) error {
	if kind != websocket.MessageText {
		return closedNotText
	}
	m, bad := parseMessage(data)
	if bad != nil {
		return bad
	}
	switch m.kind {
	case "connection_init":
		return s.initialise(m)
	case "ping":
		s.reply(pongMessage(m.payload))
	case "subscribe":
		return s.subscribe(m)
	case "complete":
		s.complete(m.id)
	}
	return nil
}

// initialise acknowledges the connection if Authenticate lets its client in ([WS]
// ConnectionInit).
func (s *socket) initialise(m *message) error {
	if s.initialised {
		return closedSecondInit
	}
	s.initialised = true
	authorization, bad := m.authorization(s.header.Get("Authorization"))
	if bad != nil {
		return bad
	}
	deadline := s.start.Add(s.h.config.InitTimeout)
	late := func(error) { s.end(closedInitTimeout) }
	who, scope, err := identify(s.ctx, s.h.config.Authenticate, late, deadline, authorization)
	if err != nil {
		return refusedIdentity(err)
	}
	s.who, s.scope = who, scope
	s.unwatch = context.AfterFunc(who, func() { s.end(lostIdentity(context.Cause(who))) })
	s.acked.Store(true)
	s.reply(ackMessage)
	return nil
}

// subscribe starts an operation ([WS] Subscribe).
func (s *socket) subscribe(m *message) error {
	q, bad := m.request()
	if bad != nil {
		return bad
	}
	if !s.acked.Load() {
		return closedUnauthorized
	}
	q.header = s.header
	op, err := s.register(m.id)
	if f, ok := errorAs[*fault.Error](err); ok {
		s.reply(errorMessage(m.id, failed(f).encodeErrors()))
		return nil
	}
	if err != nil {
		return err
	}
	s.begin(op, q)
	return nil
}

// complete ends an operation of the client's. It is not echoed, and an unknown id
// is none of our business ([WS] Complete, Invalid message).
func (s *socket) complete(id string) {
	s.mu.Lock()
	op := s.ops[id]
	s.mu.Unlock()
	if op != nil {
		s.retire(op)
	}
}

// reply hands a message to the writer. While a slow client fills the writer's
// queue, nothing more of it is read.
func (s *socket) reply(message []byte) {
	select {
	case s.replies <- message:
	case <-s.ctx.Done():
	}
}

func errorAs[E error](err error) (found E, ok bool) {
	ok = errors.As(err, &found)
	return found, ok
}
