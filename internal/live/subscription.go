package live

import (
	"sync"

	"github.com/tidemarkhq/tidemark/internal/frame"
)

// Subscription is one subscriber's mailbox. Latest wins: a dashboard wants now,
// not every step to it.
//
// After each call of its wake, Take; once that says that it has ended, Err says why. Close must
// be called once the subscriber is gone; it is idempotent.
type Subscription struct {
	query *query
	wake  func()
	place int // among the query's subscribers, and the engine's mutex guards it; -1: it has left

	mu     sync.Mutex
	answer *answer // the newest not yet taken
	has    string  // the revision that the subscriber has
	err    error
	ended  bool
}

// Err says why it ended; nil if the subscriber closed it.
func (s *Subscription) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Take gives the newest answer that was not taken yet, nil if there is none: as a patch, if the
// subscriber has what that begins with. ended says that nothing will come after it.
func (s *Subscription) Take() (f *frame.Frame, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answer
	if a == nil {
		return nil, s.ended
	}
	had := s.has
	s.answer, s.has = nil, a.revision
	return a.since(had), s.ended
}

// Close leaves the query. The last one to leave ends it.
func (s *Subscription) Close() {
	s.query.engine.leave(s)
	s.end(nil)
}

// put lays an answer into the mailbox, in place of one that nobody took. One that the
// subscriber has is none to send.
func (s *Subscription) put(a *answer) {
	s.mu.Lock()
	if s.answer = a; a.revision == s.has {
		s.answer = nil
	}
	waiting := s.answer != nil && !s.ended
	s.mu.Unlock()
	if waiting {
		s.wake()
	}
}

func (s *Subscription) end(err error) {
	s.mu.Lock()
	first := !s.ended
	if first {
		s.ended, s.err = true, err
	}
	s.mu.Unlock()
	if first && err != nil {
		s.wake()
	}
}
