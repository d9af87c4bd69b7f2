// Package importer brings files of events in, over the HTTP API, as NDJSON or CSV. Every row
// is taken or reported as refused; an import that ends at any moment, killed or not, goes on
// from where it was, loses nothing and counts nothing twice; and its memory is bounded,
// whatever the file is.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// Counts say what became of rows.
type Counts struct {
	Read        int64 `json:"read"`
	Accepted    int64 `json:"accepted"`
	Queued      int64 `json:"queued"`
	Duplicate   int64 `json:"duplicate"`
	Conflict    int64 `json:"conflict"`
	Quarantined int64 `json:"quarantined"`
	Rejected    int64 `json:"rejected"`
}

// Refused is how many were not taken.
func (c Counts) Refused() int64 { return c.Conflict + c.Quarantined + c.Rejected }

func (c *Counts) add(status event.Status) {
	c.Read++
	switch status {
	case event.Accepted:
		c.Accepted++
	case event.Queued:
		c.Queued++
	case event.Duplicate:
		c.Duplicate++
	case event.Conflict:
		c.Conflict++
	case event.Quarantined:
		c.Quarantined++
	default:
		c.Rejected++
	}
}

// Result is what an import has come to: all of its runs together.
type Result struct {
	Counts
	ThisRun int64 // rows of this run
	Took    time.Duration
	Report  string // where refused rows stand, if there are any
	Before  bool   // whether an earlier run had come to the end
}

// run is one run of an import.
type run struct {
	options Options
	source  *source
	rows    rows
	shaper  shaper
	ids     identity
	sender  sender
	broken  error // why the input could not be read to its end

	path    string // of the checkpoint; empty: none is kept
	now     checkpoint
	saved   time.Time
	report  *report
	thisRun int64
	from    int64 // of the file, what earlier runs have read
}

// Run imports a file; "-" is standard input. The result is also good beside an error.
func Run(ctx context.Context, name string, o Options) (Result, error) {
	start := time.Now()
	if err := o.check(); err != nil {
		return Result{}, err
	}
	s, err := openSource(ctx, name)
	if err != nil {
		return Result{}, fmt.Errorf("import %s: %w", name, err)
	}
	defer s.file.Close()
	r := &run{options: o, source: s, ids: identity{source: o.Source}, sender: rehearsal{}}
	if !o.DryRun {
		r.sender = newServer(o)
	}
	if err = r.prepare(name); err == nil && !r.now.Done {
		err = r.work(ctx)
	}
	if err != nil {
		err = fmt.Errorf("import %s: %w", name, err)
	}
	return r.result(time.Since(start)), err
}

func (r *run) result(took time.Duration) Result {
	result := Result{Counts: r.now.Counts, ThisRun: r.thisRun, Took: took, Before: r.now.Done && r.thisRun == 0}
	if r.report != nil && r.now.Counts.Refused() > 0 {
		result.Report = r.report.path
	}
	return result
}

// work imports what is left.
func (r *run) work(ctx context.Context) error {
	err := r.goOn(ctx)
	if err == nil {
		err = r.pump(ctx)
	}
	switch {
	case err != nil:
	case r.broken != nil:
		err = fmt.Errorf("it could not be read to its end, and what was read is imported: %w", r.broken)
	case r.source.changed():
		err = errors.New("it has changed while it was read; --restart imports all of it")
	default:
		r.now.Done = true
	}
	if !r.options.DryRun {
		err = errors.Join(err, r.save(), r.report.close())
	}
	r.show(true)
	return err
}

// goOn goes to the place where the last run had come. Where ids depend on the rows before,
// those are read again, and not sent.
func (r *run) goOn(ctx context.Context) error {
	to := r.now.Point
	if to.Offset == 0 {
		return nil
	}
	defer func() { r.from = r.source.raw.n.Load() }()
	if !counts(to.Unnamed) {
		r.ids.unnamed = to.Unnamed
		return r.rows.skip(to.place)
	}
	r.options.Notice("reading again up to where the last run came")
	for ctx.Err() == nil {
		row, err := r.rows.next()
		if err != nil {
			return fmt.Errorf("find the place where the last run ended: %w", errors.Join(err, io.ErrUnexpectedEOF))
		}
		r.entry(row)
		if row.end.Offset >= to.Offset {
			return nil
		}
	}
	return ctx.Err()
}

// entry makes a row ready to be sent, or refuses it.
func (r *run) entry(from row) entry {
	e := entry{line: from.line, raw: append([]byte(nil), from.raw...), cut: from.cut}
	problem := from.problem
	if problem == nil {
		var d draft
		if d, problem = r.shaper.draft(from); problem == nil {
			problem = d.settle(r.options.settings())
		}
		if problem == nil {
			e.event, problem = d.encode(&r.ids, from.line)
		}
		e.id = d.messageID
	}
	if problem != nil {
		e.event, e.verdict = nil, refused(e.id, problem)
	}
	return e
}
