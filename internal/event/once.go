package event

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/registry"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Appender takes batches in: [Writer] stores them at once, and a log keeps them for workers
// that will. It returns a verdict for each item; on an error, a fault, nothing is known to be
// taken, and the same batch may be sent again.
type Appender interface {
	Append(ctx context.Context, id tenant.ID, source string, items []Item) ([]Verdict, error)
}

// Part is a batch that was taken before, with the source it came from.
type Part struct {
	Source string
	Items  []Item
}

// Once ties parts to what must change together with them. Both run inside of the transaction
// that stores the parts.
type Once struct {
	// Claim comes first. If it finds that the parts are not fresh, nothing is stored.
	Claim func(ctx context.Context, tx pgx.Tx) (fresh bool, err error)
	// Settle comes last, and is given the verdicts, part by part. They hold once all has committed.
	Settle func(ctx context.Context, verdicts [][]Verdict) error
}

// Receive notes when a server took the event, and returns what is then wrong with its time, or
// nil. The event must have been checked.
func (e *Incoming) Receive(at time.Time) *fault.Error {
	e.ReceivedAt = at
	_, problem := e.place(at)
	return problem
}

// AppendOnce stores parts of one tenant, and what once claims, together or not at all. It
// reports whether they were fresh. It does not gather callers, and needs no Run.
func (w *Writer) AppendOnce(ctx context.Context, id tenant.ID, parts []Part, once Once) (fresh bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.options.Deadline)
	defer cancel()
	if _, err := w.zone(ctx, id); errors.Is(err, pgx.ErrNoRows) {
		return false, ErrNoTenant
	}
	verdicts, rows, out, err := w.lineUp(ctx, id, parts)
	if err != nil {
		return false, err
	}
	within := func(tx pgx.Tx, store func() error) (err error) {
		if fresh, err = once.Claim(ctx, tx); err != nil || !fresh {
			return err
		}
		if err := store(); err != nil {
			return err
		}
		if err := out.keep(ctx, tx); err != nil {
			return err
		}
		return once.Settle(ctx, verdicts)
	}
	err = w.transactWithin(ctx, id, rows, within)
	if postgres.Refused(err) {
		rows, err = isolate(rows, func(rows []row) error { return w.tried(ctx, id, rows) })
		if err == nil {
			err = w.transactWithin(ctx, id, rows, within)
		}
	}
	return fresh && err == nil, err
}

// lineUp holds the parts against the tenant's plan, and makes rows of what may be stored.
func (w *Writer) lineUp(ctx context.Context, id tenant.ID, parts []Part) (verdicts [][]Verdict, rows []row, out outcasts, err error) {
	verdicts = make([][]Verdict, len(parts))
	for i, p := range parts {
		findings, err := w.find(ctx, id, p.Items)
		if err != nil {
			return nil, nil, out, err
		}
		verdicts[i] = make([]Verdict, len(p.Items))
		out.add(p.Source, p.Items, verdicts[i], findings)
		rows = appendRows(rows, p.Source, p.Items, verdicts[i], findings)
	}
	return verdicts, rows, out, nil
}

// ErrNoTenant says that the tenant does not exist, or no longer.
var ErrNoTenant = errors.New("there is no such tenant")

// errTried undoes a transaction that was tried only to see whether it can be.
var errTried = errors.New("tried, and not meant to stay")

// tried tells whether the server takes the rows, and stores none: they are to commit with what
// is claimed for them.
func (w *Writer) tried(ctx context.Context, id tenant.ID, rows []row) error {
	err := w.transactWithin(ctx, id, rows, func(_ pgx.Tx, store func() error) error {
		if err := store(); err != nil {
			return err
		}
		return errTried
	})
	if errors.Is(err, errTried) {
		return nil
	}
	return err
}

// Reject is the verdict on an event that is not fit to store.
func Reject(messageID string, why *fault.Error) Verdict { return rejected(messageID, why) }

// appendRows makes rows of the items that have no verdict yet and can be written, and rejects
// the others. What was found of the items against the plan, nil if there is none, goes with them.
func appendRows(rows []row, source string, items []Item, verdicts []Verdict, findings []registry.Finding) []row {
	for i := range items {
		item := &items[i]
		if verdicts[i].Status != "" {
			continue // the plan keeps it out
		}
		if item.Problem != nil {
			verdicts[i] = rejected(item.MessageID, item.Problem)
			continue
		}
		r := row{
			Incoming: &item.Incoming, source: source,
			key: messageKey(source, item.MessageID), verdict: &verdicts[i],
		}
		if findings != nil {
			r.finding = findings[i]
		}
		rows = append(rows, r)
	}
	return rows
}
