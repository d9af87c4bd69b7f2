package tail

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

const (
	window     = 100_000                // numbers that are looked through in one go, of all tenants
	readWithin = 15 * time.Second       // of each reading
	pace       = 100 * time.Millisecond // between two readings of one stream
	renewAfter = 10 * time.Minute       // without a batch: the cursor that the reader has grows old
	maxPause   = 10 * time.Second       // between two attempts
)

// stream is one reader's.
type stream struct {
	service *Service
	watch   *watch
	wake    chan struct{}
	query   Query
	batches chan *Batch

	done   place     // everything up to it is told, or was left out
	sent   time.Time // when the last batch was
	budget budget
}

// begin finds where the stream begins.
func (st *stream) begin(ctx context.Context) error {
	st.watch.doubt(0)
	now, err := st.watch.look(ctx, st.service.app)
	if err != nil {
		return err
	}
	st.done = place{now.head, now.at}
	if after := st.query.After; after != nil {
		if st.done, err = parseCursor(*after, now.at); err != nil {
			return err
		}
		if st.done.id > now.head { // of another database, or made up
			return errBadCursor
		}
	}
	st.budget = budgetOf(st.query.Rate, st.done.at, now.at)
	return nil
}

// run tells events until ctx ends. What fails is tried again: nothing is passed over.
func (st *stream) run(ctx context.Context) {
	defer close(st.batches)
	defer st.service.leave(st.watch, st.wake)
	defer func() {
		if v := recover(); v != nil {
			st.service.logger.ErrorContext(ctx, "a stream of events panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	if st.send(ctx, &Batch{}, st.done) != nil {
		return
	}
	for failures := 0; ctx.Err() == nil; {
		told, err := st.advance(ctx)
		switch {
		case err != nil:
			if !st.mayPass(ctx, err, failures) {
				return
			}
			failures++
			st.sleep(ctx, pauseAfter(failures))
		case told:
			failures = 0
			st.sleep(ctx, max(pace, st.budget.wait()))
		default:
			failures = 0
			st.idle(ctx)
		}
	}
}

// mayPass tells whether a failure is worth another attempt, and the log that there was one.
func (st *stream) mayPass(ctx context.Context, err error, failures int) bool {
	if ctx.Err() != nil {
		return false
	}
	f, known := fault.Of(err)
	passes := !known || f.Code.Passing() || f.Code == fault.Internal
	if failures == 0 || !passes {
		st.service.logger.WarnContext(ctx, "a stream of events was held up", "tenant", st.watch.tenant.String(), "again", passes, "error", err)
	}
	return passes
}

func pauseAfter(failures int) time.Duration {
	pause := min(pace<<min(failures, 10), maxPause)
	return pause/2 + rand.N(pause/2) //nolint:gosec // it spreads attempts
}

func (st *stream) sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// idle waits until there may be something to tell.
func (st *stream) idle(ctx context.Context) {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	select {
	case <-st.wake:
	case <-timer.C:
		st.watch.doubt(lookAgain / 2) // of several streams one looks
	case <-ctx.Done():
	}
}

// advance tells a part of what has been stored since; false: there was nothing.
func (st *stream) advance(ctx context.Context) (told bool, err error) {
	now, err := st.watch.look(ctx, st.service.app)
	if err != nil {
		return false, err
	}
	if now.head <= st.done.id {
		st.done.at = now.at
		return false, st.renew(ctx)
	}
	end := place{now.head, now.at}
	if behind := end.id - st.done.id; behind > window {
		end.id = st.done.id + window
		end.at = st.done.at.Add(time.Duration(float64(now.at.Sub(st.done.at)) * float64(window) / float64(behind)))
	}
	st.budget.grow(time.Now())
	sample, err := st.sample(ctx, end.id, st.budget.share(end.id-st.done.id, now.head-st.done.id))
	if err != nil {
		return false, err
	}
	if err := st.tell(ctx, sample, end); err != nil {
		return false, err
	}
	return true, st.renew(ctx)
}

// sample chooses evenly, of what is stored behind done and up to a number, at most so many events.
func (st *stream) sample(ctx context.Context, upto, most int64) ([]dbsqlc.EventSampleRow, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	within, f := st.watch.since(st.done.id), st.query.Filter
	var rows []dbsqlc.EventSampleRow
	err = st.service.app.ReadOnce(ctx, who.Tenant, func(tx pgx.Tx) (err error) {
		rows, err = dbsqlc.New().EventSample(ctx, tx, dbsqlc.EventSampleParams{
			AfterID: st.done.id, UptoID: upto, Starts: within.from, Ends: within.to,
			Types: f.Types, UserIds: f.UserIDs, GroupType: f.GroupType, GroupIds: f.GroupIDs, Most: most,
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sample events: %w", err)
	}
	return rows, nil
}

// tell sends a sample of what there is up to a place. Where it fails between two batches, done is
// behind the one that was sent, and what follows is chosen anew.
func (st *stream) tell(ctx context.Context, sample []dbsqlc.EventSampleRow, end place) error {
	var before int64 // the place of the last that was told, among all
	for part := range slices.Chunk(sample, maxBatch) {
		events, err := st.read(ctx, part)
		if err != nil {
			return err
		}
		last := part[len(part)-1]
		upto := place{last.EventID, st.done.at}
		if last.Place == last.Total {
			upto = end
		}
		batch := &Batch{Events: events, Skipped: int(last.Place-before) - len(part)}
		if err := st.send(ctx, batch, upto); err != nil {
			return err
		}
		before = last.Place
		st.budget.spend(len(part))
	}
	st.done = end
	return nil
}

// read gives the events themselves. One that was erased meanwhile is not among them.
func (st *stream) read(ctx context.Context, part []dbsqlc.EventSampleRow) ([]event.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	positions := make([]event.Position, len(part))
	for i, row := range part {
		positions[i] = event.Position{OccurredAt: row.OccurredAt.UTC(), ID: row.EventID}
	}
	found, err := st.service.reader.ByPositions(ctx, positions)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, 0, len(part))
	for _, p := range positions {
		if e, there := found[p]; there {
			events = append(events, e)
		}
	}
	return events, nil
}

// renew sends a batch of nothing where there was none for long: its cursor is of now.
func (st *stream) renew(ctx context.Context) error {
	if time.Since(st.sent) < renewAfter {
		return nil
	}
	return st.send(ctx, &Batch{}, st.done)
}

var errEnded = errors.New("the stream has ended")

// send gives a batch that ends at a place, once the reader takes it.
func (st *stream) send(ctx context.Context, b *Batch, upto place) error {
	b.Cursor = upto.cursor()
	if b.Events == nil {
		b.Events = []event.Event{} // the schema's lists are never null
	}
	select {
	case st.batches <- b:
		st.done, st.sent = upto, time.Now()
		return nil
	case <-ctx.Done():
		return errEnded
	}
}
