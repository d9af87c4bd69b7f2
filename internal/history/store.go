package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// loadWithin is how long it may take to read a tenant's histories. It goes on when whoever asked
// has gone: the next one finds them.
const loadWithin = 5 * time.Minute

// Store keeps the histories of the tenants that were asked for last.
type Store struct {
	app  *postgres.App
	most int // rows, of all tenants together

	loads  sync.WaitGroup
	ending context.Context //nolint:containedctx // of what the store does by itself, until Close
	end    context.CancelFunc

	mu      sync.Mutex
	tenants map[tenant.ID]*kept
	uses    int
	behind  map[tenant.ID]struct{} // that have changed, and may be in use

	wake chan struct{} // when some are behind
}

// rowBytes is what an event takes, with its place in the order of accounts and some room for
// what comes later.
const rowBytes = 40

// NewStore makes a store that holds so many bytes. It must be closed.
func NewStore(app *postgres.App, size int64) *Store {
	s := &Store{app: app, most: int(size / rowBytes), tenants: map[tenant.ID]*kept{}, behind: map[tenant.ID]struct{}{}, wake: make(chan struct{}, 1)}
	s.ending, s.end = context.WithCancel(context.Background())
	return s
}

// Close ends what the store does by itself.
func (s *Store) Close() {
	s.end()
	s.loads.Wait()
}

// kept are the histories of a tenant.
type kept struct {
	used  int       // the store's count of uses when it was used last
	asked time.Time // when that was

	turn    chan struct{} // held by whoever brings the columns up to date
	loading *loading      // of whoever has the turn

	reading sync.RWMutex // held by whoever reads or changes what follows
	columns *Columns     // nil: not loaded
}

// loading is a load that others wait for as well.
type loading struct {
	done    chan struct{}
	columns *Columns
	err     error
}

// ErrAway is why histories cannot be read that have to be read anew first: Ready does that, for
// whom no connection waits meanwhile.
var ErrAway = errors.New("the histories are not there")

// Ready has the histories of whoever asks there, and waits for that without a connection. There is
// nothing to do for who sees some rows alone, whose histories are read for each answer.
func (s *Store) Ready(ctx context.Context, who access.Principal) error {
	if who.Rows != nil {
		return nil
	}
	k := s.of(who.Tenant)
	if err := k.take(ctx); err != nil {
		return err
	}
	defer k.release()
	if _, there := k.head(); there {
		return nil
	}
	return s.load(ctx, who.Tenant, k)
}

// take takes the turn to bring the columns up to date.
func (k *kept) take(ctx context.Context) error {
	select {
	case k.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for histories: %w", ctx.Err())
	}
}

func (k *kept) release() { <-k.turn }

// Read gives the histories of a unit as the transaction sees them, or as they are by now, until
// fn returns, with the values that are needed. Who sees some rows alone is given histories of
// these alone. It fails with ErrAway where they are not there.
func (s *Store) Read(ctx context.Context, tx pgx.Tx, who access.Principal, unit Unit, needs []Need, fn func(*Columns) error) error {
	if who.Rows != nil {
		return s.readNarrowed(ctx, tx, unit, needs, fn)
	}
	k := s.of(who.Tenant)
	if err := k.refresh(ctx, tx, unit, needs); err != nil {
		return err
	}
	defer k.reading.RUnlock()
	return fn(k.columns)
}

// maxNarrowed is how many events are read for a caller who sees some rows alone, each time.
const maxNarrowed = 2_000_000

// readNarrowed reads histories for one answer. The transaction has begun.
func (s *Store) readNarrowed(ctx context.Context, tx pgx.Tx, unit Unit, needs []Need, fn func(*Columns) error) error {
	c, err := load(ctx, tx, copyNarrowed, min(s.most, maxNarrowed))
	if err != nil {
		return err
	}
	if unit == Accounts {
		c.arrangeAccounts()
	}
	for _, n := range needs {
		if err := fill(ctx, tx, c, n, func(change func()) { change() }); err != nil {
			return err
		}
	}
	return fn(c)
}

func (s *Store) of(id tenant.ID) *kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.tenants[id]
	if k == nil {
		k = &kept{turn: make(chan struct{}, 1)}
		s.tenants[id] = k
	}
	s.uses++
	k.used, k.asked = s.uses, time.Now()
	return k
}

// refresh brings the columns to where the transaction is, and leaves them held for reading: until
// that is over nothing comes that the values do not know of.
func (k *kept) refresh(ctx context.Context, tx pgx.Tx, unit Unit, needs []Need) error {
	now, err := dbsqlc.New().HistoryHead(ctx, tx)
	if err != nil {
		return fmt.Errorf("read head of histories: %w", err)
	}
	if err := k.take(ctx); err != nil {
		return err
	}
	defer k.release()
	was, there := k.head()
	if !there {
		return ErrAway
	}
	if was.parted(now) {
		k.forget()
		return ErrAway
	}
	if was.day < now.DayRevision {
		if err := k.follow(ctx, tx, was, now); err != nil {
			return err
		}
	}
	if !k.arrange(unit) {
		return ErrAway
	}
	if err := k.fill(ctx, tx, needs); err != nil {
		return err
	}
	k.reading.RLock()
	if k.columns == nil { // somebody else needed the room
		k.reading.RUnlock()
		return ErrAway
	}
	return nil
}

func (k *kept) forget() {
	k.reading.Lock()
	defer k.reading.Unlock()
	k.columns = nil
}

// head is up to where the columns know everything; false: there are none.
func (k *kept) head() (head, bool) {
	k.reading.RLock()
	defer k.reading.RUnlock()
	if k.columns == nil {
		return head{}, false
	}
	return k.columns.head, true
}

// arrange has the histories of a unit there; false: there are none any more.
func (k *kept) arrange(unit Unit) bool {
	k.reading.RLock()
	there := k.columns != nil && k.columns.arranged(unit) != nil
	k.reading.RUnlock()
	if there {
		return true
	}
	k.reading.Lock()
	defer k.reading.Unlock()
	if k.columns == nil {
		return false
	}
	k.columns.arrangeAccounts()
	return true
}

// fill reads the values that are needed and not there.
func (k *kept) fill(ctx context.Context, tx pgx.Tx, needs []Need) error {
	k.reading.RLock()
	c := k.columns
	k.reading.RUnlock()
	if c == nil {
		return ErrAway
	}
	for _, n := range needs {
		err := fill(ctx, tx, c, n, func(change func()) {
			k.reading.Lock()
			defer k.reading.Unlock()
			change()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// parted reports whether something is gone, or came back, that columns cannot follow.
func (h *head) parted(now dbsqlc.HistoryHeadRow) bool {
	return h.dropped != now.RawSince.UnixMicro() || h.forgotten != now.Forgotten
}

// load reads the columns anew, in a transaction of its own. The caller holds the turn.
func (s *Store) load(ctx context.Context, id tenant.ID, k *kept) error {
	l := k.loading
	if l == nil {
		l = &loading{done: make(chan struct{})}
		k.loading = l
		s.loads.Go(func() { s.run(id, l) })
	}
	select {
	case <-l.done:
	case <-ctx.Done():
		return fmt.Errorf("wait for histories to be read: %w", ctx.Err())
	}
	k.loading = nil
	if l.err != nil {
		return l.err
	}
	k.reading.Lock()
	k.columns = l.columns
	k.reading.Unlock()
	s.makeRoom(k)
	return nil
}

func (s *Store) run(id tenant.ID, l *loading) {
	defer close(l.done)
	ctx, cancel := context.WithTimeout(s.ending, loadWithin)
	defer cancel()
	l.err = s.app.Read(ctx, id, func(tx pgx.Tx) error {
		now, err := dbsqlc.New().HistoryHead(ctx, tx)
		if err != nil {
			return fmt.Errorf("read head of histories: %w", err)
		}
		// Else as many as there is room for would be read in vain, each time.
		size, err := dbsqlc.New().HistorySize(ctx, tx, now.RawSince)
		if err != nil {
			return fmt.Errorf("read size of histories: %w", err)
		}
		if size > int64(s.most) {
			return errTooMany
		}
		days, err := dbsqlc.New().HistoryDays(ctx, tx)
		if err != nil {
			return fmt.Errorf("read days of histories: %w", err)
		}
		if l.columns, err = load(ctx, tx, copyActivity, s.most); err != nil {
			return err
		}
		l.columns.head.set(now, days)
		return nil
	})
}

// makeRoom forgets the tenants that were asked for longest ago until all others fit.
func (s *Store) makeRoom(but *kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		total, oldest := 0, (*kept)(nil)
		for _, k := range s.tenants {
			rows := k.rows()
			total += rows
			if k != but && rows > 0 && (oldest == nil || k.used < oldest.used) {
				oldest = k
			}
		}
		if total <= s.most || oldest == nil {
			return
		}
		oldest.forget()
	}
}

func (k *kept) rows() int {
	k.reading.RLock()
	defer k.reading.RUnlock()
	if k.columns == nil {
		return 0
	}
	return k.columns.Rows()
}
