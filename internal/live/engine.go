// Package live answers a query again whenever what it was read from has changed. All who
// ask the same share one execution and one serialized answer; an answer equal to the last
// is not sent, and while nothing changes nothing is executed. Whatever was missed, the last
// answer that a subscriber gets equals a fresh one.
package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Options bound the engine. Zero values take the defaults.
type Options struct {
	MinInterval   time.Duration // between two executions of one query that wishes nothing else; default 250 ms
	LeastInterval time.Duration // that can be wished for; default 50 ms
	Timeout       time.Duration // of one execution; default 30 s
	AtOnce        int           // executions at a time; default 8
	MaxQueries    int           // different queries at a time; default 10,000
	Logger        *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.MinInterval <= 0 {
		o.MinInterval = 250 * time.Millisecond
	}
	if o.LeastInterval <= 0 {
		o.LeastInterval = 50 * time.Millisecond
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.AtOnce <= 0 {
		o.AtOnce = 8
	}
	if o.MaxQueries <= 0 {
		o.MaxQueries = 10_000
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Key tells which subscribers may share an answer. It must hold everything that the
// answer depends on: Scope stands for all that authorization does.
type Key struct {
	Scope         string
	Query         string
	OperationName string
	Variables     string // canonical JSON: sorted names
}

// Wish is how a subscriber wants to be answered. What is not After is the same for all who
// subscribe under one key.
type Wish struct {
	Interval time.Duration // least time between two executions; 0: MinInterval
	Patch    bool          // send what has changed, where that is less
	After    string        // the revision that the subscriber has: an equal answer is not sent
}

// Run executes the query once, and gives its response object, with marks where an answer's
// revision belongs. Its context has a deadline, the values of the first subscriber's context,
// a recorder for what is read, and a memory of the parts that have not changed since they were
// read last.
type Run func(ctx context.Context) []byte

// Engine holds the queries that are being watched.
type Engine struct {
	options Options
	slots   chan struct{} // one token for each execution under way
	stopped chan struct{}
	owned   sync.WaitGroup // the queries' goroutines

	mu        sync.Mutex
	queries   map[Key]*query
	readers   map[subject]map[*query]struct{} // who has read of it
	executing map[*query]struct{}
	stats     Stats
	closed    bool
}

// Stats is how much an engine has to do, and has done.
type Stats struct {
	Queries       int    // that are watched
	Subscriptions int    // of them
	Executions    uint64 // so far
	Answers       uint64 // laid into mailboxes so far
}

// Stats says how the engine does.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.stats
	now.Queries = len(e.queries)
	return now
}

// subject is what the index of readers goes by.
type subject struct {
	tenant  tenant.ID
	subject topic.Subject
}

// New makes an engine. Stop ends it.
func New(options Options) *Engine {
	options = options.withDefaults()
	return &Engine{
		options: options,
		slots:   make(chan struct{}, options.AtOnce),
		stopped: make(chan struct{}),
		queries: map[Key]*query{}, readers: map[subject]map[*query]struct{}{},
		executing: map[*query]struct{}{},
	}
}

// Subscribe joins the query of this key, and starts it if nobody watches it yet. The
// first answer comes as soon as there is one. wake is called whenever there is something to
// take, or the subscription has ended; it must not block, nor call the engine. Subscribe fails
// with UNAVAILABLE when as many different queries are being watched as are allowed.
func (e *Engine) Subscribe(ctx context.Context, key Key, wish Wish, run Run, wake func()) (*Subscription, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, fault.New(fault.Unavailable, "The server is stopping. Subscribe again.")
	}
	q := e.queries[key]
	if q == nil {
		if len(e.queries) >= e.options.MaxQueries {
			return nil, fault.New(fault.Unavailable, "Too many different queries are being watched. Try again later.")
		}
		q = newQuery(e, key, context.WithoutCancel(ctx), wish, run)
		e.queries[key] = q
		e.owned.Go(q.loop)
	}
	s := &Subscription{query: q, wake: wake, has: wish.After}
	q.subscribers.join(s)
	e.stats.Subscriptions++
	if q.answer != nil {
		s.put(q.answer)
	}
	return s, nil
}

func (e *Engine) leave(s *Subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := s.query
	if !q.subscribers.leave(s) {
		return
	}
	e.stats.Subscriptions--
	if len(q.subscribers) == 0 {
		e.drop(q)
	}
}

// drop forgets a query. The caller holds mu.
func (e *Engine) drop(q *query) {
	if e.queries[q.key] != q {
		return
	}
	delete(e.queries, q.key)
	e.index(q, nil)
	close(q.left)
}

// index notes what a query has read, in place of what it had read before. The caller
// holds mu.
func (e *Engine) index(q *query, spans []topic.Span) {
	for _, s := range q.spans {
		by := subject{s.Tenant, s.Subject}
		delete(e.readers[by], q)
		if len(e.readers[by]) == 0 {
			delete(e.readers, by)
		}
	}
	q.spans = spans
	for _, s := range spans {
		by := subject{s.Tenant, s.Subject}
		if e.readers[by] == nil {
			e.readers[by] = map[*query]struct{}{}
		}
		e.readers[by][q] = struct{}{}
	}
}

// Changed tells the engine what has changed. It does not block.
func (e *Engine) Changed(topics []topic.Topic) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range topics {
		for q := range e.readers[subject{t.Tenant, t.Subject}] {
			if q.reads(t) {
				q.change(t)
			}
		}
	}
	// What a running execution will have read is known only when it is done.
	for q := range e.executing {
		q.collect(topics)
	}
}

// Gap tells the engine that changes may have been missed: everything is read afresh.
func (e *Engine) Gap() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, q := range e.queries {
		q.missed = true
		q.mark()
	}
}

// Stop ends all queries and waits for their goroutines.
func (e *Engine) Stop() {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		close(e.stopped)
	}
	e.mu.Unlock()
	e.owned.Wait()
}
