package live

import (
	"context"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// maxCollected is how many changes are kept that come during one execution, or after it; beyond
// it the answer counts as out of date, with all of its parts.
const maxCollected = 1_000

// The pause before an execution that failed is tried again doubles between these.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// query is one watched query: one execution and one answer for all its subscribers. Its
// fields but the fixed ones belong to the engine's mutex.
type query struct {
	engine *Engine
	key    Key
	ctx    context.Context
	run    Run
	wish   Wish
	dirty  chan struct{} // has a token when the answer is out of date
	left   chan struct{} // closed when the last subscriber has left

	subscribers crowd
	spans       []topic.Span
	answer      *answer       // the last one sent; nil: none yet
	memory      *topic.Memory // of the parts of the answer
	changed     []topic.Topic // since the last execution began, of what its answer was read from
	collected   []topic.Topic // changes during the execution under way
	missed      bool          // changes since it began may have been missed
}

func newQuery(e *Engine, key Key, ctx context.Context, wish Wish, run Run) *query {
	return &query{
		engine: e, key: key, ctx: ctx, run: run, wish: wish,
		dirty: make(chan struct{}, 1), left: make(chan struct{}), memory: &topic.Memory{},
	}
}

// change notes that something has changed of what the answer was read from.
func (q *query) change(t topic.Topic) {
	switch {
	case slices.Contains(q.changed, t): // as a day is that goes on
	case len(q.changed) == maxCollected:
		q.missed = true
	default:
		q.changed = append(q.changed, t)
	}
	q.mark()
}

func (q *query) mark() {
	select {
	case q.dirty <- struct{}{}:
	default: // marked already
	}
}

func (q *query) reads(t topic.Topic) bool {
	return slices.ContainsFunc(q.spans, func(s topic.Span) bool { return s.Holds(t) })
}

func (q *query) collect(topics []topic.Topic) {
	if len(q.collected)+len(topics) > maxCollected {
		q.missed = true
		return
	}
	q.collected = append(q.collected, topics...)
}

// loop executes the query whenever it is out of date, and not more often than allowed,
// until the last subscriber leaves.
func (q *query) loop() {
	retry := firstRetry
	for {
		readings, ok := q.execute()
		if !ok {
			return
		}
		pause := time.NewTimer(q.interval())
		again, stop := q.wakeUp(readings, &retry)
		ok = q.wait(pause.C, nil) && q.wait(again, q.dirty)
		pause.Stop()
		stop()
		if !ok {
			return
		}
	}
}

// interval is the least time between two executions: what was wished for, within bounds.
func (q *query) interval() time.Duration {
	if q.wish.Interval == 0 {
		return q.engine.options.MinInterval
	}
	return max(q.wish.Interval, q.engine.options.LeastInterval)
}

// wait returns when either channel receives; false when the query is over.
func (q *query) wait(timer <-chan time.Time, dirty <-chan struct{}) bool {
	select {
	case <-timer:
		return true
	case <-dirty:
		return true
	case <-q.left:
		return false
	case <-q.engine.stopped:
		q.endAll()
		return false
	}
}

// wakeUp gives a channel that receives when the answer is out of date by itself: when a
// failure should be tried again, or when time alone changes what is asked.
func (q *query) wakeUp(readings *topic.Readings, retry *time.Duration) (<-chan time.Time, func() bool) {
	var timer *time.Timer
	switch until := readings.Until(); {
	case readings.Failed():
		timer = time.NewTimer(*retry)
		*retry = min(2*(*retry), lastRetry)
	case !until.IsZero():
		*retry = firstRetry
		timer = time.NewTimer(time.Until(until))
	default:
		*retry = firstRetry
		return nil, func() bool { return true }
	}
	return timer.C, timer.Stop
}

// execute takes a slot, runs the query and sends the answer if it is new.
func (q *query) execute() (*topic.Readings, bool) {
	e := q.engine
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-q.left:
		return nil, false
	case <-e.stopped:
		q.endAll()
		return nil, false
	}
	q.begin()
	ctx, cancel := context.WithTimeout(q.ctx, e.options.Timeout)
	defer cancel()
	ctx, readings := topic.Record(topic.Remember(ctx, q.memory))
	q.finish(readings, q.answered(q.run(ctx)))
	return readings, true
}

func (q *query) begin() {
	q.engine.mu.Lock()
	select { // what follows is read after every change so far
	case <-q.dirty:
	default:
	}
	changed, missed := q.changed, q.missed
	q.changed, q.collected, q.missed = nil, nil, false
	q.engine.executing[q] = struct{}{}
	q.engine.mu.Unlock()
	if missed {
		q.memory.ForgetAll()
	} else {
		q.memory.Forget(changed)
	}
}

// answered makes an answer of what was executed: the one before, if it is equal. Only the query's
// own goroutine, which calls it, changes the answer before.
func (q *query) answered(raw []byte) *answer {
	revision := revisionOf(raw)
	if q.answer != nil && q.answer.revision == revision {
		return q.answer
	}
	a := newAnswer(raw, revision)
	switch {
	case !q.wish.Patch:
		a.raw = nil
	case q.answer != nil:
		a.follow(q.answer)
	}
	return a
}

func (q *query) finish(readings *topic.Readings, a *answer) {
	e := q.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.executing, q)
	e.stats.Executions++
	if e.queries[q.key] != q {
		return
	}
	e.index(q, readings.Spans())
	if q.missed {
		q.mark()
	}
	for _, t := range q.collected {
		if q.reads(t) {
			q.change(t)
		}
	}
	q.collected = nil
	if a == q.answer {
		return
	}
	q.answer = a
	e.stats.Answers += uint64(len(q.subscribers))
	for _, s := range q.subscribers {
		s.put(a)
	}
}

func (q *query) endAll() {
	q.engine.mu.Lock()
	defer q.engine.mu.Unlock()
	for _, s := range q.subscribers {
		s.end(fault.New(fault.Unavailable, "The server is stopping. Subscribe again."))
	}
}
