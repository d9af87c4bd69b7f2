package answer

import (
	"context"
	"fmt"
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
	at        time.Time // by the database's clock
	settings  string    // of the tenant, all of them
	revisions map[topic.Subject]int64
}

// same reports whether nothing has changed of what some answer was read from.
func (s state) same(then state, subjects []topic.Subject) bool {
	if s.settings != then.settings {
		return false
	}
	for _, subject := range subjects {
		if s.revisions[subject] != then.revisions[subject] {
			return false
		}
	}
	return true
}

// pause is the least time between the beginnings of two looks while others wait: those who come
// meanwhile share the next one. Who comes alone never waits for it.
const pause = time.Millisecond

// checks looks at one tenant's revisions, once for all who ask at the same time. Whoever asks
// gets a look that began after they did: they join the one that comes next, and never the one
// that is under way.
type checks struct {
	look func(ctx context.Context) (state, error)

	mu            sync.Mutex
	running, next *check
	began         time.Time // the one that runs, or ran last
}

type check struct {
	done  chan struct{}
	state state
	err   error
}

// now is the state at an instant after it was called.
func (c *checks) now(ctx context.Context) (state, error) {
	c.mu.Lock()
	if join := c.next; join != nil {
		c.mu.Unlock()
		select {
		case <-join.done:
			return join.state, join.err
		case <-ctx.Done():
			return state{}, ctx.Err()
		}
	}
	mine, before := &check{done: make(chan struct{})}, c.running
	if before != nil {
		c.next = mine
		free := c.began.Add(pause)
		c.mu.Unlock()
		<-before.done // it ends by its deadline
		<-time.After(time.Until(free))
		c.mu.Lock()
	}
	c.running, c.next, c.began = mine, nil, time.Now()
	c.mu.Unlock()
	c.run(ctx, mine)
	return mine.state, mine.err
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
		row, err := dbsqlc.New().DataRevisionGet(ctx, tx)
		if err != nil {
			return fmt.Errorf("read revisions: %w", err)
		}
		s = state{at: row.At, settings: row.Settings + row.RawSince.UTC().String(), revisions: make(map[topic.Subject]int64, len(row.Subjects))}
		for i, subject := range row.Subjects {
			s.revisions[topic.Subject(subject)] = row.Revisions[i]
		}
		return nil
	})
	return s, err
}
