package gqlhttp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// write sends until the socket ends. It keeps no queue of frames: an operation
// that has one is in ready, once, and gives its newest when its turn comes.
func (s *socket) write() {
	defer s.rescue()
	pulse := time.NewTimer(min(s.h.config.InitTimeout, s.h.config.PingInterval))
	defer pulse.Stop()
	closing := s.h.connections.closing
	for s.ctx.Err() == nil {
		select {
		case <-s.ctx.Done():
		case message := <-s.replies:
			s.send(message)
		case <-s.wake:
			s.flush()
		case <-pulse.C:
			pulse.Reset(s.beat())
		case <-closing:
			closing = nil // from now on register refuses; what is in flight goes out
		}
		if closing == nil && s.idle() {
			s.end(closedRestart)
		}
	}
}

// beat pings, and ends a socket that was not initialised in time or whose client
// has answered nothing for two intervals. It returns the time until the next.
func (s *socket) beat() time.Duration {
	interval := s.h.config.PingInterval
	if !s.acked.Load() {
		left := s.h.config.InitTimeout - time.Since(s.start)
		if left <= 0 {
			s.end(closedInitTimeout)
		}
		return min(left, interval)
	}
	left := 2*interval - s.silence()
	if left <= 0 {
		s.end(fmt.Errorf("%w: silent", errDropped))
		return interval
	}
	s.send(pingMessage)
	return min(left, interval)
}

// flush sends what waits now; what becomes ready meanwhile has the next turn, so
// that a busy query holds up no pong. Replies go first, as the acknowledgement
// must before any frame.
func (s *socket) flush() {
	s.sendReplies()
	for _, op := range s.takeReady() {
		if s.ctx.Err() != nil {
			return
		}
		s.deliver(op)
	}
}

// sendReplies sends what the reader has queued, and no more than that: a flood of
// pings must not hold up the frames.
func (s *socket) sendReplies() {
	for range cap(s.replies) {
		select {
		case message := <-s.replies:
			s.send(message)
		default:
			return
		}
	}
}

// deliver sends what an operation has. Its id is free before its last message is
// sent, so that the client may use it again at once.
func (s *socket) deliver(op *operation) {
	if op.sub == nil {
		if s.retire(op) {
			s.sendAll(op.last)
		}
		return
	}
	ended := op.ended.Load() // before Take, which then gives the last frame of all
	if frame, ok := op.sub.Take(); ok {
		s.sendNext(op, frame)
	}
	if ended && s.retire(op) {
		s.sendAll(lastOf(op))
	}
}

// send writes one message; a client that does not take it in time is dropped.
func (s *socket) send(message []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), s.h.config.WriteTimeout)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, message); err != nil {
		s.end(fmt.Errorf("%w: %w", errDropped, err))
	}
}

func (s *socket) sendAll(messages [][]byte) {
	for _, message := range messages {
		s.send(message)
	}
}

// sendNext puts the id around a shared frame, in a buffer that sockets share too:
// of thousands only a few write at a time.
func (s *socket) sendNext(op *operation, frame []byte) {
	buf := buffers.Get().(*[]byte)
	*buf = append(append(append((*buf)[:0], op.head...), frame...), '}')
	s.send(*buf)
	if cap(*buf) <= 1<<16 { // a rare giant is not worth keeping
		buffers.Put(buf)
	}
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}
