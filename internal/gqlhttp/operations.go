package gqlhttp

// signal puts an operation up for a writer, once. Before there is anything that it could send,
// that is too early: whoever sets it signals.
func (s *socket) signal(op *operation) {
	s.mu.Lock()
	wanted := op.begun && !op.gone && !op.queued
	if wanted {
		op.queued = true
		s.ready.push(op)
	}
	wanted = wanted && s.claim()
	s.mu.Unlock()
	if wanted {
		s.h.writers.put(s)
	}
}

// line is a queue of operations. It goes through them, as an idle socket should hold nothing
// else, and one that is woken touch little: each is in one line at most.
type line struct{ first, last *operation }

func (l *line) push(op *operation) {
	if l.first == nil {
		l.first = op
	} else {
		l.last.behind = op
	}
	l.last = op
}

func (l *line) pop() *operation {
	op := l.first
	if op != nil {
		l.first, op.behind = op.behind, nil
	}
	if l.first == nil {
		l.last = nil
	}
	return op
}

// takeReady gives the operations that have something to send. The caller holds mu.
func (s *socket) takeReady(into []*operation) []*operation {
	for op := s.ready.pop(); op != nil; op = s.ready.pop() {
		op.queued = false
		if !op.gone {
			into = append(into, op)
		}
	}
	return into
}

// putBack has operations wait for the next turn, before those that came meanwhile.
func (s *socket) putBack(ops []*operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var waiting line
	for _, op := range ops {
		if !op.gone && !op.queued {
			op.queued = true
			waiting.push(op)
		}
	}
	for op := s.ready.pop(); op != nil; op = s.ready.pop() {
		waiting.push(op)
	}
	s.ready = waiting
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
	if first {
		s.unsent -= op.size
	}
	sub, cancel := op.sub, op.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	if sub != nil {
		sub.Close()
	}
	if first && s.h.connections.isClosing() {
		s.nudge() // the socket may be idle now
	}
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

// endIfIdle ends the socket of a server that stops, if nothing is in flight: no reply, no frame,
// no query.
func (s *socket) endIfIdle() {
	if s.idle() {
		s.end(s.h.connections.farewell())
	}
}

func (s *socket) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range s.ops {
		if op.sub == nil {
			return false
		}
	}
	return !s.turning && s.ready.first == nil && len(s.replies) == 0
}
