package gqlhttp

import (
	"context"
	"sync"

	"github.com/tidemarkhq/tidemark/internal/frame"
)

// fakeLive runs a query for its first subscriber, and again whenever the test says
// that something changed.
type fakeLive struct {
	mu      sync.Mutex
	queries map[Key]*fakeQuery
	wishes  []Wish
	refuse  error
	broken  bool // Take panics
}

type fakeQuery struct {
	ctx   context.Context
	run   func(context.Context) []byte
	runs  int
	frame []byte
	subs  map[*fakeSubscription]bool
}

type fakeSubscription struct {
	live  *fakeLive
	key   Key
	wake  func()
	ended bool // under live.mu, as what follows
	err   error
	frame []byte
}

func newFakeLive() *fakeLive { return &fakeLive{queries: map[Key]*fakeQuery{}} }

func (l *fakeLive) Subscribe(ctx context.Context, key Key, wish Wish, run func(context.Context) []byte, wake func()) (Subscription, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return nil, l.refuse
	}
	l.wishes = append(l.wishes, wish)
	q := l.queries[key]
	if q == nil {
		q = &fakeQuery{ctx: context.WithoutCancel(ctx), run: run, subs: map[*fakeSubscription]bool{}}
		l.queries[key] = q
		q.execute()
	}
	s := &fakeSubscription{live: l, key: key, wake: wake}
	q.subs[s] = true
	s.offer(q.frame)
	return s, nil
}

func (q *fakeQuery) execute() { q.runs++; q.frame = q.run(q.ctx) }

// changed runs every query again.
func (l *fakeLive) changed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.queries {
		q.execute()
		for s := range q.subs {
			s.offer(q.frame)
		}
	}
}

// push hands a frame of the test's own to everyone.
func (l *fakeLive) push(frame string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.queries {
		for s := range q.subs {
			s.offer([]byte(frame))
		}
	}
}

// finish ends every query.
func (l *fakeLive) finish(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.queries {
		for s := range q.subs {
			s.ended, s.err = true, err
			s.wake()
		}
	}
}

// keys lists the queries that somebody subscribes to.
func (l *fakeLive) keys() (keys []Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.queries {
		keys = append(keys, key)
	}
	return keys
}

// runs counts all executions of the queries that somebody subscribes to.
func (l *fakeLive) runs() (runs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.queries {
		runs += q.runs
	}
	return runs
}

func (s *fakeSubscription) offer(frame []byte) {
	s.frame = frame
	s.wake()
}

func (s *fakeSubscription) Err() error {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	return s.err
}

func (s *fakeSubscription) Take() (f *frame.Frame, ended bool) {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	if s.live.broken {
		panic("take")
	}
	if s.frame != nil {
		f = frame.New(s.frame)
		s.frame = nil
	}
	return f, s.ended
}

func (s *fakeSubscription) Close() {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	q := s.live.queries[s.key]
	if q == nil || !q.subs[s] {
		return
	}
	delete(q.subs, s)
	if len(q.subs) == 0 {
		delete(s.live.queries, s.key)
	}
}
