// Package history keeps in memory what each person and each account of a tenant did, in the
// order of time: columns of instants and types, side by side for each unit. A reading sees
// everything that its transaction sees, or more; what changed since the last one is added before
// it begins, so columns are never stale. They can be forgotten at any time, and are read again.
package history

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// Unit is whose histories they are.
type Unit uint8

// The units.
const (
	Persons Unit = iota
	Accounts
)

// History is what one unit did, in order: by instant, and among equal ones as they arrived, which
// within a batch is as the client sent them. Its lists are shared, and hold while it is read.
type History struct {
	Unit int64    // the person or account
	At   []int64  // microseconds of the Unix epoch
	Type []uint16 // codes: see [Columns.TypeCode]

	first uint32
	rows  []uint32 // nil: from first on
}

// Row numbers the i-th event among all of the columns.
func (h *History) Row(i int) uint32 {
	if h.rows == nil {
		return h.first + uint32(i) //nolint:gosec // rows are counted in uint32
	}
	return h.rows[i]
}

// reader gives one history after the other, in storage that it uses again.
type reader struct {
	columns *Columns
	history History
	at      []int64
	types   []uint16
}

// read gives what a unit did.
func (r *reader) read(a *arrangement, unit int) *History {
	h, c := &r.history, r.columns
	h.Unit = a.units[unit]
	rows, first, n := a.rowsOf(unit)
	if rows == nil {
		h.first, h.rows = first, nil
		h.At, h.Type = c.at[first:first+n], c.types[first:first+n]
		return h
	}
	r.at, r.types = r.at[:0], r.types[:0]
	for _, row := range rows {
		r.at, r.types = append(r.at, c.at[row]), append(r.types, c.types[row])
	}
	h.rows, h.At, h.Type = rows, r.at, r.types
	return h
}

// Each calls fn with every history of a unit, from several goroutines at the same time: each has a
// number, and calls one after the other. What fn gets holds until it returns.
func (c *Columns) Each(ctx context.Context, unit Unit, fn func(worker int, h *History)) error {
	a := c.arranged(unit)
	workers := Workers()
	var group errgroup.Group
	for n := range workers {
		group.Go(func() (err error) {
			defer func() { // of a request, whose panics are its own
				if p := recover(); p != nil {
					err = fmt.Errorf("read histories: panic: %v\n%s", p, debug.Stack())
				}
			}()
			r := reader{columns: c}
			from, to := len(a.units)*n/workers, len(a.units)*(n+1)/workers
			for u := from; u < to; u++ {
				if (u-from)%lookEvery == 0 && ctx.Err() != nil {
					return fmt.Errorf("read histories: %w", context.Cause(ctx))
				}
				if h := r.read(a, u); len(h.At) > 0 {
					fn(n, h)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// lookEvery is after how many units it is looked whether anybody waits for the answer still.
const lookEvery = 1024

// Workers is how many goroutines read at the same time.
func Workers() int { return min(runtime.GOMAXPROCS(0), 8) }

// Event is something that somebody did.
type Event struct {
	ID               int64
	At               int64 // microseconds of the Unix epoch
	Type             string
	Identity, Person int64 // 0: nobody that is known
	Account          int64 // 0: on no account's behalf
}

// Of makes columns of events that are at hand.
func Of(events []Event) *Columns {
	c := newColumns()
	for _, e := range events {
		c.add(entry{id: e.ID, at: e.At, kind: []byte(e.Type), identity: e.Identity, person: e.Person, account: e.Account})
	}
	c.sort()
	c.arrangeAccounts()
	return c
}
