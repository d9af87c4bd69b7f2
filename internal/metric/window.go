package metric

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// maxBuckets is how many points one series may have.
const maxBuckets = 2_000

// maxLast is how many steps back "last" may go.
const maxLast = 10_000

// The bounds of every range. Events are not taken from before, nor from so far ahead.
var (
	earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Ask is what a caller asks for. Zero values take the tenant's settings, and the last
// 30 days.
type Ask struct {
	From, To  *time.Time // half-open; without To, the end of the running day
	Last      *Last
	Zone      string            // IANA; empty: the tenant's
	WeekStart *time.Weekday     // nil: the tenant's
	Interval  calendar.Interval // of a series
	AsOf      *time.Time        // as it was known then; nil: now
	Filter    *Filter
	Compare   []Comparison
	Currency  string // of money: ISO 4217; empty: the tenant's
}

// Last asks for the running step and those before it.
type Last struct {
	Count    int
	Interval calendar.Interval
}

// Window is a range made definite, and how far the figures in it can be relied on.
type Window struct {
	From, To  time.Time // half-open
	Zone      calendar.Zone
	WeekStart time.Weekday
	Watermark time.Time // everything accepted before is counted

	tenant   tenant.ID
	home     calendar.Zone // the tenant's own, in whose days things were counted
	rawSince time.Time     // before it raw events may be in the archive
	narrowed bool          // the caller sees some rows alone
	asOf     bool          // as it was known at the watermark, which is past
	currency string        // of money
}

// house is what an answer is read from: a snapshot of a tenant's data, and its settings.
type house struct {
	tx       pgx.Tx
	who      access.Principal
	settings dbsqlc.TenantGetRow
}

// open opens one snapshot of the asking tenant's data.
func (s *Service) open(ctx context.Context, fn func(house) error) error {
	return s.openFor(ctx, nil, func(r *round) error { return fn(r.house) })
}

// read opens a snapshot for a single window, and notes that the answer depends on it.
func (s *Service) read(ctx context.Context, ask Ask, fn func(tx pgx.Tx, w Window) error) error {
	return s.open(ctx, func(h house) error {
		w, err := h.window(ask)
		if err != nil {
			return err
		}
		w.note(ctx, 0)
		return fn(h.tx, w)
	})
}

// window makes what is asked for definite, on the database's clock.
func (h house) window(ask Ask) (Window, error) {
	w, err := ask.window(h.settings)
	w.tenant, w.narrowed = h.who.Tenant, h.who.Rows != nil
	return w, err
}

// note says that the answer depends on the days of the window, and so many before them.
func (w Window) note(ctx context.Context, lookback int) {
	w.noteDays(ctx, max(w.home.DateOf(w.From)-calendar.Date(lookback), w.home.DateOf(earliest)))
	w.noteUntil(ctx, w.To)
}

// noteLife says that the answer depends on all that was ever done until the window's end.
func (w Window) noteLife(ctx context.Context) { w.noteDays(ctx, w.home.DateOf(earliest)) }

func (w Window) noteDays(ctx context.Context, from calendar.Date) {
	topic.Note(ctx, topic.Span{
		Tenant: w.tenant, Subject: topic.Day,
		From: from.String(), To: w.home.DateOf(w.To.Add(-1)).String(),
	})
}

// noteUntil says that the answer changes at an instant by itself, if it lies ahead.
func (w Window) noteUntil(ctx context.Context, at time.Time) {
	if at.After(w.Watermark) && !w.asOf {
		topic.NoteUntil(ctx, at)
	}
}

// noteNextClose says when the next bucket will be complete.
func (w Window) noteNextClose(ctx context.Context, buckets []calendar.Bucket) {
	for _, b := range buckets {
		if b.End.After(w.Watermark) {
			w.noteUntil(ctx, b.End)
			return
		}
	}
}

func (a Ask) window(settings dbsqlc.TenantGetRow) (Window, error) {
	home, err := calendar.LoadZone(settings.Zone)
	if err != nil {
		return Window{}, fmt.Errorf("load the tenant's zone: %w", err)
	}
	w := Window{Zone: home, WeekStart: time.Weekday(settings.WeekStart), Watermark: settings.Watermark, home: home, rawSince: settings.RawSince.UTC(), currency: settings.Currency}
	if a.AsOf != nil {
		if a.AsOf.After(w.Watermark) || a.AsOf.Before(earliest) {
			return w, fault.Input("asOf", "It is an instant of the past.")
		}
		w.Watermark, w.asOf = a.AsOf.UTC(), true
	}
	if a.Currency != "" {
		w.currency = a.Currency
	}
	if a.Zone != "" {
		if w.Zone, err = calendar.LoadZone(a.Zone); err != nil {
			return Window{}, err
		}
	}
	if a.WeekStart != nil {
		w.WeekStart = *a.WeekStart
	}
	w.From, w.To, err = a.bounds(w)
	return w, err
}

func (a Ask) bounds(w Window) (from, to time.Time, err error) {
	if a.Last != nil {
		if a.From != nil || a.To != nil {
			return from, to, fault.Input("range.last", "A range has either last, or from and to.")
		}
		return a.Last.bounds(w)
	}
	if a.From == nil {
		if a.To != nil {
			return from, to, fault.Input("range.from", "A range with to needs from.")
		}
		return Last{Count: 30, Interval: calendar.Day}.bounds(w)
	}
	from = a.From.UTC()
	to = w.grid(calendar.Day).Next(w.Watermark)
	if a.To != nil {
		to = a.To.UTC()
	}
	return from, to, checkBounds(from, to)
}

func checkBounds(from, to time.Time) error {
	switch {
	case from.Before(earliest) || from.After(latest):
		return fault.Input("range.from", "A range starts between the years 2000 and 2100.")
	case to.After(latest):
		return fault.Input("range.to", "A range ends before the year 2100.")
	case !from.Before(to):
		return fault.Input("range.to", "A range ends after it starts.")
	}
	return nil
}

func (l Last) bounds(w Window) (from, to time.Time, err error) {
	if l.Count < 1 || l.Count > maxLast {
		return from, to, fault.Input("range.last.count", "Between 1 and %d are allowed.", maxLast)
	}
	if !l.Interval.Valid() {
		return from, to, fault.Input("range.last.interval", "There is no such interval.")
	}
	grid := w.grid(l.Interval)
	running := grid.Floor(w.Watermark)
	from = grid.Add(running, 1-l.Count)
	if from.Before(earliest) {
		return from, to, fault.Input("range.last.count", "A range starts after the year 2000.")
	}
	return from, grid.Next(running), nil
}

// Currency is that of money: ISO 4217.
func (w Window) Currency() string { return w.currency }

// Tenant is whose data it is.
func (w Window) Tenant() tenant.ID { return w.tenant }

func (w Window) grid(interval calendar.Interval) calendar.Grid {
	return calendar.Grid{Zone: w.Zone, Interval: interval, WeekStart: w.WeekStart}
}

// RawSince is from when on raw events are all there; nil: from the first.
func (w Window) RawSince() *time.Time {
	if w.rawSince.Before(earliest) {
		return nil
	}
	return &w.rawSince
}

// cuts reports whether the range begins or ends within a quarter hour whose events are in
// the archive: what is counted from raw events is then not exact.
func (w Window) cuts() bool {
	for _, edge := range []time.Time{w.From, w.To} {
		if slot := calendar.FloorSlot(edge); slot.Before(edge) && slot.Before(w.rawSince) {
			return true
		}
	}
	return false
}

// Exact reports whether counts of events in the window are exact, as far as they depend on raw
// events: at its edges, and for a caller who sees some rows alone all of them.
func (w Window) Exact() bool {
	if w.narrowed {
		return !w.From.Before(w.rawSince)
	}
	return !w.cuts()
}

// running is the day of the tenant's that is not over yet.
func (w Window) running() calendar.Date { return w.home.DateOf(w.Watermark) }

// whole is the range as a single bucket.
func (w Window) whole() []calendar.Bucket {
	return []calendar.Bucket{{Start: w.From, End: w.To}}
}

func (w Window) buckets(interval calendar.Interval) ([]calendar.Bucket, error) {
	if err := checkInterval(interval); err != nil {
		return nil, err
	}
	return w.grid(interval).Buckets(w.From, w.To, maxBuckets)
}

func checkInterval(interval calendar.Interval) error {
	if !interval.Valid() {
		return fault.Input("interval", "There is no such interval.")
	}
	return nil
}

// clip cuts buckets to the window.
func (w Window) clip(buckets []calendar.Bucket) []calendar.Bucket {
	clipped := make([]calendar.Bucket, len(buckets))
	for i, b := range buckets {
		if b.Start.Before(w.From) {
			b.Start = w.From
		}
		if b.End.After(w.To) {
			b.End = w.To
		}
		clipped[i] = b
	}
	return clipped
}
