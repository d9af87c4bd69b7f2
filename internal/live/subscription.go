package live

import "sync"

// Frame is one answer, serialized once and shared by every subscriber that asked
// the same. It holds a complete GraphQL response object, {"data":…} or
// {"errors":…}. Nobody may change its bytes.
type Frame []byte

// Subscription is one subscriber's mailbox. Latest wins: a dashboard wants now,
// not every step to it.
//
// Wait on Ready, then Take; when Done is closed nothing more comes, and Err says
// why. Close must be called once the subscriber is gone; it is idempotent.
type Subscription struct {
	query *query
	ready chan struct{} // has a token while a frame may be waiting
	done  chan struct{}

	mu    sync.Mutex
	frame Frame // the newest not yet taken
	err   error
	ended bool
}

func newSubscription(q *query) *Subscription {
	return &Subscription{query: q, ready: make(chan struct{}, 1), done: make(chan struct{})}
}

// Ready receives a value whenever a frame may be waiting. It is never closed.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Done is closed when the query will never be answered again.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Err says why Done was closed; nil if the subscriber closed it.
func (s *Subscription) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Take gives the newest frame that was not taken yet.
func (s *Subscription) Take() (Frame, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frame := s.frame
	s.frame = nil
	return frame, frame != nil
}

// Close leaves the query. The last one to leave ends it.
func (s *Subscription) Close() {
	s.query.engine.leave(s)
	s.end(nil)
}

// put lays a frame into the mailbox, in place of one that nobody took.
func (s *Subscription) put(frame Frame) {
	s.mu.Lock()
	s.frame = frame
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

func (s *Subscription) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended, s.err = true, err
		close(s.done)
	}
}
