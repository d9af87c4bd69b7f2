package metric

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Snapshot is one state of a tenant's data, for what is worked out of single events elsewhere.
type Snapshot struct{ house }

// Snapshot opens one for who asks, until fn returns.
func (s *Service) Snapshot(ctx context.Context, fn func(Snapshot) error) error {
	return s.open(ctx, func(h house) error { return fn(Snapshot{h}) })
}

// Tx is the transaction that it is read in.
func (s Snapshot) Tx() pgx.Tx { return s.tx }

// Who is the caller.
func (s Snapshot) Who() access.Principal { return s.who }

// Window makes what is asked for definite.
func (s Snapshot) Window(ask Ask) (Window, error) { return s.window(ask) }

// CheckEvents says what is wrong with which events are asked for, by the name of the field; and
// that the caller may not see whom they are told by.
func (s Snapshot) CheckEvents(field string, types []string, filter *Filter) error {
	if err := (Measure{Types: types}).checkTypes(); err != nil {
		return under(field, err)
	}
	if err := filter.Check(field+".filter", eventDimensions...); err != nil {
		return err
	}
	return under(field, checkPersonal(s.who, nil, filter))
}

// CheckBreakdown says what is wrong with what is to be told apart.
func (s Snapshot) CheckBreakdown(by []Dimension) error {
	if by == nil {
		return nil
	}
	if err := checkBreakdown(by, eventDimensions); err != nil {
		return err
	}
	return checkPersonal(s.who, by, nil)
}

// CheckComparisons says that there are too many.
func CheckComparisons(list []Comparison) error {
	if len(list) > maxComparisons {
		return fault.Input("compare", "At most %d comparisons are allowed.", maxComparisons)
	}
	return nil
}

// under names a field within another one.
func under(field string, err error) error {
	f, ok := fault.Of(err)
	if !ok || f.Field == "" {
		return err
	}
	return f.In(field + "." + f.Field)
}

// NoteLife says that an answer depends on all that was ever done until an instant.
func (w Window) NoteLife(ctx context.Context, until time.Time) {
	w.To = until
	w.noteLife(ctx)
}

// NoteEver says that an answer depends on all that was ever done, and on all that will be.
func (w Window) NoteEver(ctx context.Context) { w.NoteLife(ctx, latest) }

// NoteUntil says that an answer changes at an instant by itself, if it lies ahead.
func (w Window) NoteUntil(ctx context.Context, at time.Time) { w.noteUntil(ctx, at) }

// Home is the tenant's own zone.
func (w Window) Home() calendar.Zone { return w.home }

// Grid cuts time as the window asks for it.
func (w Window) Grid(interval calendar.Interval) calendar.Grid { return w.grid(interval) }

// Whole reports whether all events from an instant on are still there one by one.
func (w Window) Whole(from time.Time) bool { return !from.Before(w.rawSince) }

// Path is the SQL/JSON path, from the document of a dimension's kind, to its value.
func (d Dimension) Path() string { return "strict " + d.path("$") }

// Holds is a predicate of SQL/JSON path over a value that is there, "$": that the condition holds
// of it, or that it surely does not.
func (c *Condition) Holds(yes bool) string {
	of := Condition{Operator: c.Operator, Values: c.Values}
	return "strict " + of.predicate(yes, "$")
}

// Dimensions are those that a filter is over.
func (f *Filter) Dimensions() (list []Dimension) {
	f.walk("", func(_ string, c *Condition) {
		if !slices.Contains(list, c.Dimension) {
			list = append(list, c.Dimension)
		}
	})
	return list
}

// Compared is the window that a comparison of another one is with.
func (s Snapshot) Compared(w Window, c Comparison, last *Last) (Window, error) {
	other, _, err := w.compared(c, last)
	return other, err
}
