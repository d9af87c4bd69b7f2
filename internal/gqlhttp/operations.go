package gqlhttp

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
