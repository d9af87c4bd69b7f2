package event

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/registry"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// WriterOptions bound the writer. Zero values take the defaults.
type WriterOptions struct {
	Lanes    int           // transactions at a time; default 4
	Batch    int           // events in one transaction, at most; default 10,000
	Queue    int           // events waiting, at most; beyond it Append is refused; default 100,000
	Share    int           // events of one tenant among them, at most; default half of Queue
	Linger   time.Duration // how long a lane waits for company; default 2 ms
	Deadline time.Duration // of one transaction; default 15 s

	Plans *registry.Plans // what the tenants mean to send; default one of its own
}

func (o WriterOptions) withDefaults() WriterOptions {
	set := func(value *int, fallback int) {
		if *value <= 0 {
			*value = fallback
		}
	}
	set(&o.Lanes, 4)
	set(&o.Batch, 10_000)
	set(&o.Queue, 100_000)
	set(&o.Share, max(1, o.Queue/2))
	if o.Linger <= 0 {
		o.Linger = 2 * time.Millisecond
	}
	if o.Deadline <= 0 {
		o.Deadline = 15 * time.Second
	}
	return o
}

// Writer commits the batches of concurrent requests in groups: one tenant a transaction,
// tenants in turn, so that one tenant's flood delays the others by one transaction.
type Writer struct {
	app     *postgres.App
	options WriterOptions
	plans   *registry.Plans
	months  months
	zones   sync.Map // tenant.ID -> calendar.Zone; see zone

	mu     sync.Mutex
	queues map[tenant.ID]*queue
	turn   []*queue // the tenants that have something waiting and no lane
	queued int
	wake   chan struct{} // has a token for each tenant in turn, up to Lanes
	closed bool
}

// queue is what one tenant has waiting.
type queue struct {
	tenant  tenant.ID
	waiting []*request
	queued  int  // events in them
	busy    bool // in a lane: a tenant has one transaction at a time, so its rows never wait for each other
}

// request is one caller's batch. done receives once.
type request struct {
	rows []row
	done chan error
}

// NewWriter makes a writer; Run must be running for Append to return.
func NewWriter(app *postgres.App, options WriterOptions) *Writer {
	options = options.withDefaults()
	if options.Plans == nil {
		options.Plans = registry.NewPlans(app)
	}
	return &Writer{
		app: app, options: options, plans: options.Plans,
		months: months{known: map[calendar.Date]bool{}},
		queues: map[tenant.ID]*queue{},
		wake:   make(chan struct{}, options.Lanes),
	}
}

// Append stores the batch, its ids and its rollups together with those of concurrent
// callers, and returns a verdict for each item once they have committed. On an error,
// a fault, nothing is known to be stored, and the same batch may be sent again.
func (w *Writer) Append(ctx context.Context, id tenant.ID, source string, items []Item) ([]Verdict, error) {
	verdicts := make([]Verdict, len(items))
	findings, err := w.inspect(ctx, id, source, items, verdicts)
	if err != nil {
		return nil, err
	}
	return w.put(ctx, id, source, items, verdicts, findings)
}

// put stores the items that have no verdict yet, and completes the verdicts. What was found
// of the items against the plan, nil if there is none, goes with them.
func (w *Writer) put(ctx context.Context, id tenant.ID, source string, items []Item, verdicts []Verdict, findings []registry.Finding) ([]Verdict, error) {
	req := &request{done: make(chan error, 1)}
	req.rows = appendRows(nil, source, items, verdicts, findings)
	if len(req.rows) == 0 {
		return verdicts, nil
	}
	if err := w.enqueue(id, req); err != nil {
		return nil, err
	}
	select {
	case err := <-req.done:
		if err != nil {
			return nil, err
		}
		warn(items, verdicts, findings)
		return verdicts, nil
	case <-ctx.Done():
		// The lane may still write it; a retry under the same ids is then a duplicate.
		return nil, fault.New(fault.Timeout, "The events were not stored in time. Send them again.").Because(ctx.Err())
	}
}

func (w *Writer) enqueue(id tenant.ID, req *request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fault.New(fault.Unavailable, "The server is stopping. Send the events again.")
	}
	q := w.queues[id]
	if q == nil {
		q = &queue{tenant: id}
	}
	if n := len(req.rows); w.queued+n > w.options.Queue || q.queued > 0 && q.queued+n > w.options.Share {
		return fault.New(fault.Unavailable, "Too many events are waiting. Send these again later.")
	}
	w.queues[id] = q
	w.queued += len(req.rows)
	q.queued += len(req.rows)
	q.waiting = append(q.waiting, req)
	if len(q.waiting) == 1 && !q.busy {
		w.line(q)
	}
	return nil
}

// line puts a tenant at the end of the turn. The caller holds mu.
func (w *Writer) line(q *queue) {
	w.turn = append(w.turn, q)
	select {
	case w.wake <- struct{}{}:
	default: // every lane has been woken already
	}
}

// Run writes until ctx ends; then it refuses new batches, and writes those that wait.
func (w *Writer) Run(ctx context.Context) error {
	lanes, _ := errgroup.WithContext(context.WithoutCancel(ctx))
	for range w.options.Lanes {
		lanes.Go(func() error {
			w.lane(ctx)
			return nil
		})
	}
	return lanes.Wait()
}

func (w *Writer) lane(ctx context.Context) {
	for {
		select {
		case <-w.wake:
			w.drain(ctx)
		case <-ctx.Done():
			w.close()
			w.drain(ctx)
			return
		}
	}
}

func (w *Writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// drain serves tenants in turn until none is waiting.
func (w *Writer) drain(ctx context.Context) {
	for {
		q := w.next()
		if q == nil {
			return
		}
		w.linger(ctx)
		w.write(ctx, q)
	}
}

func (w *Writer) next() *queue {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.turn) == 0 {
		return nil
	}
	q := w.turn[0]
	w.turn = w.turn[1:]
	q.busy = true
	return q
}

// linger gives concurrent callers the moment it takes to join the transaction.
func (w *Writer) linger(ctx context.Context) {
	timer := time.NewTimer(w.options.Linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// write takes as many of the tenant's requests as fit, commits them, and answers.
func (w *Writer) write(ctx context.Context, q *queue) {
	requests := w.take(q)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.options.Deadline)
	defer cancel()
	w.commit(ctx, q.tenant, requests)
	w.release(q)
}

func (w *Writer) take(q *queue) []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, events := 0, 0
	for n < len(q.waiting) && (n == 0 || events+len(q.waiting[n].rows) <= w.options.Batch) {
		events += len(q.waiting[n].rows)
		n++
	}
	taken := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	w.queued -= events
	q.queued -= events
	return taken
}

func (w *Writer) release(q *queue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q.busy = false
	if len(q.waiting) > 0 {
		w.line(q)
		return
	}
	delete(w.queues, q.tenant)
}
