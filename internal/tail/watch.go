package tail

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

const (
	lookWithin = 10 * time.Second
	lookAgain  = 10 * time.Second // though nothing was told: messages may be lost while Redis is away
	keptMarks  = 256
)

// mark is a place in the order in which a tenant's events were stored. All that have numbers up
// to head are there, and no other will ever come.
type mark struct {
	head  int64
	at    time.Time
	times span // what was stored since the mark before happened within it
}

// span is from an instant to before another.
type span struct{ from, to time.Time }

// always holds all events that there can be.
var always = span{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}

func (s span) with(o span) span {
	return span{calendar.Earlier(s.from, o.from), calendar.Later(s.to, o.to)}
}

// watch looks where a tenant's events end, once for all of its streams.
type watch struct {
	tenant tenant.ID
	wakes  map[chan struct{}]struct{} // of its streams; under the service's lock

	turn chan struct{} // held by whoever looks; guards what follows
	last dbsqlc.EventMarkRow

	mu      sync.Mutex
	changes int // how often something has changed, or may have
	looked  int // of these, how many were before the last look
	marks   []mark
}

// join gives the watch of a tenant, and what wakes a stream of it.
func (s *Service) join(id tenant.ID) (*watch, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watches[id]
	if w == nil {
		w = &watch{tenant: id, wakes: map[chan struct{}]struct{}{}, turn: make(chan struct{}, 1)}
		s.watches[id] = w
	}
	wake := make(chan struct{}, 1)
	w.wakes[wake] = struct{}{}
	return w, wake
}

func (s *Service) leave(w *watch, wake chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(w.wakes, wake)
	if len(w.wakes) == 0 {
		delete(s.watches, w.tenant)
	}
}

// Changed says that events of a tenant may have been stored.
func (s *Service) Changed(id tenant.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.watches[id]; w != nil {
		w.changed()
	}
}

// Gap says that changes may have been missed, of any tenant.
func (s *Service) Gap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watches {
		w.changed()
	}
}

// changed wakes all streams. The caller holds the service's lock.
func (w *watch) changed() {
	w.doubt(0)
	for wake := range w.wakes {
		select {
		case wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// doubt has the next who asks look again, if the last look is so old.
func (w *watch) doubt(age time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.marks) == 0 || time.Since(w.marks[len(w.marks)-1].at) >= age {
		w.changes++
	}
}

// look gives the mark that holds all that was stored before the last change that is known of. Who
// comes while somebody looks waits for what they find.
func (w *watch) look(ctx context.Context, app *postgres.App) (mark, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return mark{}, fmt.Errorf("wait for where events end: %w", ctx.Err())
	}
	defer func() { <-w.turn }()
	w.mu.Lock()
	changes, fresh := w.changes, len(w.marks) > 0 && w.looked == w.changes
	w.mu.Unlock()
	if !fresh {
		at := time.Now()
		var now dbsqlc.EventMarkRow
		// It is told to nobody, and must not be narrowed.
		err := app.InTenant(postgres.ForHouse(ctx), w.tenant, func(tx pgx.Tx) (err error) {
			now, err = dbsqlc.New().EventMark(ctx, tx, w.last.Version)
			return err
		})
		if err != nil {
			return mark{}, fmt.Errorf("find where events end: %w", err)
		}
		w.note(now, at, changes)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.marks[len(w.marks)-1], nil
}

// note keeps what a look found. The caller holds the turn.
func (w *watch) note(now dbsqlc.EventMarkRow, at time.Time, changes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = changes
	w.last = now
	if len(w.marks) > 0 && !now.Changed { // nothing was stored between
		w.marks[len(w.marks)-1].at = at
		return
	}
	// A day of any zone lies within these.
	times := span{calendar.UTC.StartOf(now.FirstDay - 1), calendar.UTC.StartOf(now.LastDay + 2)}
	if len(w.marks) == keptMarks {
		w.marks = slices.Delete(w.marks, 0, 1)
	}
	w.marks = append(w.marks, mark{head: now.Head, at: at, times: times})
}

// since gives when that happened which was stored behind a number; always, if it is not known.
func (w *watch) since(number int64) span {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.marks) == 0 || number < w.marks[0].head {
		return always
	}
	within := span{always.to, always.from}
	for i := len(w.marks) - 1; i > 0 && w.marks[i].head > number; i-- {
		within = within.with(w.marks[i].times)
	}
	return within
}
