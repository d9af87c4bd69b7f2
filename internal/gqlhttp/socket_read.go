package gqlhttp

import (
	"errors"
	"fmt"
	"unique"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/websocket"
)

// read takes one message in, and leaves the next to a goroutine with a small stack: waiting, it
// should hold nothing of what handling has taken. It waits without a deadline: beat drops a
// client that is silent for too long.
func (s *socket) read() {
	defer s.rescue()
	m, err := s.conn.Read()
	c, closed := errors.AsType[*websocket.Closure](err)
	switch {
	case closed:
		s.end(c) // theirs is echoed
		return
	case err != nil:
		s.end(fmt.Errorf("%w: %w", errDropped, err))
		return
	case !s.over.Load(): // after that only the client's goodbye counts
		s.touch()
		if err := s.receive(m); err != nil {
			s.end(err)
		}
	}
	s.tasks.Go(s.read)
}

// receive acts on one message. Its error ends the socket.
func (s *socket) receive(m websocket.Message) error {
	switch m.Kind {
	case websocket.Text:
		return s.handle(m.Data)
	case websocket.Ping:
		s.reply(websocket.Pong, m.Data)
	case websocket.Pong:
	default:
		return closedNotText
	}
	return nil
}

func (s *socket) handle(data []byte) error {
	m, bad := parseMessage(data)
	if bad != nil {
		return bad
	}
	switch m.kind {
	case "connection_init":
		return s.initialise(m)
	case "ping":
		s.reply(websocket.Text, pongMessage(m.payload))
	case "subscribe":
		return s.subscribe(m)
	case "complete":
		s.complete(m.id)
	}
	return nil
}

// initialise acknowledges the connection if Authenticate lets its client in ([WS]
// ConnectionInit), and its party has room for it.
func (s *socket) initialise(m *message) error {
	if s.initialised {
		return closedSecondInit
	}
	s.initialised = true
	authorization, bad := m.authorization(s.authorization)
	if bad != nil {
		return bad
	}
	deadline := s.start.Add(s.h.config.InitTimeout)
	late := func(error) { s.end(closedInitTimeout) }
	ask := s.h.config.lasting(func(cause error) { s.end(lostIdentity(cause)) })
	who, scope, err := identify(s.ctx, ask, late, deadline, authorization)
	if err != nil {
		return refusedIdentity(err)
	}
	if s.party = s.h.connections.enter(s.h.party(who)); s.party == nil {
		return closedFull
	}
	s.who, s.scope, s.authorization = who, unique.Make(scope).Value(), ""
	s.acked.Store(true)
	s.reply(websocket.Text, ackMessage)
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
	if f, ok := errors.AsType[*fault.Error](err); ok {
		s.reply(websocket.Text, errorMessage(m.id, failed(f).encodeErrors()))
		return nil
	}
	if err != nil {
		return err
	}
	s.execute(op, q)
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

// maxReplies is how many bytes of replies wait for a client before nothing more of it is read.
const maxReplies = 16 << 10

// reply puts up a message of the reader's, and waits while the client does not take them.
func (s *socket) reply(kind websocket.Kind, message []byte) {
	s.say(kind, message)
	s.mu.Lock()
	var room chan struct{}
	if len(s.replies) > maxReplies {
		room = make(chan struct{})
		s.room = room
	}
	s.mu.Unlock()
	if room == nil {
		return
	}
	select {
	case <-room:
	case <-s.ctx.Done():
	}
}
