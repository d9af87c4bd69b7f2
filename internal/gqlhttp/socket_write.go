package gqlhttp

import (
	"bytes"
	"fmt"
	"time"

	"github.com/tidemarkhq/tidemark/internal/websocket"
)

// maxBatch is how many bytes are gathered for one write: what is more has the next turn, so
// that a socket with much to say holds nobody up.
const maxBatch = 128 << 10

// say puts a message up.
func (s *socket) say(kind websocket.Kind, message []byte) {
	s.mu.Lock()
	s.replies = websocket.Append(s.replies, kind, message)
	s.mu.Unlock()
	s.nudge()
}

// nudge has a writer come by, once.
func (s *socket) nudge() {
	s.mu.Lock()
	first := s.claim()
	s.mu.Unlock()
	if first {
		s.h.writers.put(s)
	}
}

// claim takes the socket's turn, and tells whether it was free. The caller holds mu.
func (s *socket) claim() bool {
	free := !s.turning
	s.turning = true
	return free
}

// turn writes what waits now, in one write and without waiting for the client. What it does not
// take is left to a goroutine of its own, which has the turn until it is done.
func (s *socket) turn(w *writer) {
	batch, writing := s.gather(w)
	if !writing {
		return // it is over
	}
	n, err := 0, error(nil)
	if len(batch) > 0 {
		n, err = s.conn.TryWrite(batch)
	}
	if err == nil && n < len(batch) {
		rest := bytes.Clone(batch[n:])
		s.tasks.Go(func() { s.insist(rest) })
		return
	}
	s.endWriting(err)
}

// endWriting ends a turn, and begins the next if there is something to send by now. After an
// error a message was cut, and no other may follow it. A server that is about to stop ends what
// has nothing left to say.
func (s *socket) endWriting(err error) {
	if err != nil {
		s.conn.CloseNow()
		s.end(fmt.Errorf("%w: %w", errDropped, err))
	}
	s.mu.Lock()
	s.writing = false
	if s.free != nil {
		close(s.free)
		s.free = nil
	}
	s.turning = len(s.replies) > 0 || s.ready.first != nil
	again := s.turning
	s.mu.Unlock()
	switch {
	case again && !s.over.Load():
		s.h.writers.put(s)
	case s.h.connections.isClosing():
		s.endIfIdle()
	}
}

// awaitWriter returns once nobody writes, and nobody will but the caller: the socket is stopped.
func (s *socket) awaitWriter() {
	s.mu.Lock()
	var free chan struct{}
	if s.writing {
		free = make(chan struct{})
		s.free = free
	}
	s.mu.Unlock()
	if free != nil {
		<-free // at the deadline that end has set, if not before
	}
}

// insist writes to a client that is slow; one that does not take it in time is dropped.
func (s *socket) insist(data []byte) {
	s.endWriting(s.conn.Write(data, time.Now().Add(s.h.config.WriteTimeout)))
}

// gather begins to write, unless the socket is over, and makes a batch of what waits: replies
// first, as the acknowledgement must before any frame, then what the operations have. A panic on
// the way ends the socket, and makes it none.
func (s *socket) gather(w *writer) (batch []byte, writing bool) {
	defer s.rescue()
	s.mu.Lock()
	writing = !s.stopped && !s.over.Load()
	s.writing = writing
	if !writing {
		s.mu.Unlock()
		return nil, false
	}
	w.batch = append(w.batch[:0], s.replies...)
	s.replies = nil // an idle socket keeps no buffer
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
	w.ready = s.takeReady(w.ready[:0])
	s.mu.Unlock()
	for i, op := range w.ready {
		if len(w.batch) > maxBatch {
			s.putBack(w.ready[i:])
			break
		}
		s.deliver(w, op)
	}
	clear(w.ready) // retired operations are not ours to keep alive
	return w.batch, true
}

// deliver adds what an operation has. Its id is free before its last message is sent, so that
// the client may use it again at once.
func (s *socket) deliver(w *writer, op *operation) {
	if op.sub == nil {
		if s.retire(op) {
			w.add(op.last)
		}
		return
	}
	frame, ended := op.sub.Take()
	if frame != nil {
		w.next(op, frame, s.conn.Deflates())
	}
	if ended && s.retire(op) {
		w.add(lastOf(op))
	}
}
