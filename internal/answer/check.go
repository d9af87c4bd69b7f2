package answer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// checkWithin bounds one look at a tenant's revisions.
const checkWithin = 2 * time.Second

// state is what answers of a tenant are read under.
type state struct {
	at        time.Time               // by the database's clock
	revisions map[topic.Subject]int64 // and those of settings and archive
}

// What every answer depends on, besides its subjects: the tenant's settings, and from when on raw
// events are there.
const (
	settings topic.Subject = ""
	archived topic.Subject = "archive"
)

// same reports whether nothing has changed of what some answer was read from.
func (s state) same(then state, subjects []topic.Subject) bool {
	changed := func(subject topic.Subject) bool { return s.revisions[subject] != then.revisions[subject] }
	return !changed(settings) && !changed(archived) && !slices.ContainsFunc(subjects, changed)
}

// pause is how long a look waits at most, from when the one before it began, for others to join.
// Who comes alone never waits.
const pause = time.Millisecond

// checks looks at one tenant's revisions, once for all who ask at the same time. Whoever asks
// gets a look that began after they did: they join the one that comes next, and never the one
// that is under way.
//
// A look costs as much as giving an answer again, so it had better serve many. Whoever has just
// been served may be about to ask anew: a look begins when most of those who were around have
// joined it, while the others keep the processors busy.
type checks struct {
	look func(ctx context.Context) (state, error)

	mu            sync.Mutex
	running, next *check
	began         time.Time // the one that runs, or ran last
}

type check struct {
	done   chan struct{}
	full   chan struct{} // closed when enough have joined
	asked  int           // who joined
	enough int           // for it to begin; 0: nobody waits for that
	state  state
	err    error
}

// now is the state at an instant after it was called.
func (c *checks) now(ctx context.Context) (state, error) {
	c.mu.Lock()
	if join := c.next; join != nil {
		if join.asked++; join.asked == join.enough {
			close(join.full)
		}
		c.mu.Unlock()
		select {
		case <-join.done:
			return join.state, join.err
		case <-ctx.Done():
			return state{}, ctx.Err()
		}
	}
	mine, before := &check{done: make(chan struct{}), full: make(chan struct{}), asked: 1}, c.running
	if before != nil {
		c.next = mine
		c.mu.Unlock()
		<-before.done // it ends by its deadline
		c.fill(mine, before)
		c.mu.Lock()
	}
	c.running, c.next, c.began = mine, nil, time.Now()
	c.mu.Unlock()
	c.run(ctx, mine)
	return mine.state, mine.err
}

// fill waits until most of those who are around have joined, or until the pause is over.
func (c *checks) fill(next, before *check) {
	c.mu.Lock()
	free := c.began.Add(pause)
	if enough := (before.asked + next.asked) * 3 / 4; enough > next.asked {
		next.enough = enough
	}
	wait := next.enough > 0
	c.mu.Unlock()
	if !wait {
		return
	}
	timer := time.NewTimer(time.Until(free))
	defer timer.Stop()
	select {
	case <-next.full:
	case <-timer.C:
	}
}

// run looks, and goes on where its caller leaves, since others wait for it.
func (c *checks) run(ctx context.Context, mine *check) {
	defer func() {
		c.mu.Lock()
		if c.next == nil { // else whoever leads that takes over
			c.running = nil
		}
		c.mu.Unlock()
		close(mine.done)
	}()
	mine.err = errAborted // unless it comes to an end
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkWithin)
	defer cancel()
	mine.state, mine.err = c.look(ctx)
}

// stateOf reads the state of a tenant.
func stateOf(ctx context.Context, app *postgres.App, id tenant.ID) (s state, err error) {
	err = app.ReadOnce(postgres.ForHouse(ctx), id, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().DataRevisionList(ctx, tx)
		if err != nil {
			return fmt.Errorf("read revisions: %w", err)
		}
		s.revisions = make(map[topic.Subject]int64, len(rows))
		for _, row := range rows {
			s.at = row.At
			s.revisions[topic.Subject(row.Subject)] = row.Revision
		}
		return nil
	})
	return s, err
}
