package cohort

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// Condition is a tree: exactly one of its fields is set. What it holds for is a set of persons,
// and Not is everybody else whom the tenant knows.
type Condition struct {
	And []Condition `json:"and,omitempty"`
	Or  []Condition `json:"or,omitempty"`
	Not *Condition  `json:"not,omitempty"`

	Trait     *metric.Condition `json:"trait,omitempty"` // of the person, or of an account of theirs
	Did       *Did              `json:"did,omitempty"`
	Stopped   *Stopped          `json:"stopped,omitempty"`
	FirstSeen *Window           `json:"firstSeen,omitempty"`
	Cohort    *int64            `json:"cohort,omitempty"`
	Plan      []string          `json:"plan,omitempty"` // keys of plans
	MRR       *Amount           `json:"mrr,omitempty"`
	Health    []health.Band     `json:"health,omitempty"`
}

// Events say which events are meant.
type Events struct {
	Types  []string       `json:"types,omitempty"` // nil: all that somebody did
	Filter *metric.Filter `json:"filter,omitempty"`
}

// Did holds for who did events so often.
type Did struct {
	Events
	Times  Times  `json:"times"`
	Count  int    `json:"count"`
	Within Window `json:"within"`
}

// Times says how a number of events compares with another one.
type Times string

// The ways, as in the schema's enum CohortTimes. 0 is a number like any other: who did none is
// meant by AtMost, and by Exactly 0.
const (
	AtLeast Times = "AT_LEAST"
	AtMost  Times = "AT_MOST"
	Exactly Times = "EXACTLY"
)

// AllTimes lists the ways in the order of the schema.
func AllTimes() []Times { return []Times{AtLeast, AtMost, Exactly} }

// Stopped holds for who did such an event in the steps before the last ones, and none in these:
// both are as many.
type Stopped struct {
	Events
	Last metric.Last `json:"last"`
}

// Window is a stretch of time, half-open: between instants, of which each may be missing, or the
// running step and those before it. The zero one is all time.
type Window struct {
	From *time.Time   `json:"from,omitempty"`
	To   *time.Time   `json:"to,omitempty"`
	Last *metric.Last `json:"last,omitempty"`
}

// Amount compares what an account comes to a month with money.
type Amount struct {
	Operator metric.Operator `json:"operator"`
	Amount   int64           `json:"amount"` // minor units
	Currency string          `json:"currency"`
}

func (c *Condition) write() ([]byte, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write condition: %w", err)
	}
	return text, nil
}

// read reads what write wrote; numbers stay as exact as they were written.
func read(text []byte) (c Condition, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("read condition: %w", err)
	}
	return c, nil
}

// parts are those that a condition is made of, each with its field.
func (c *Condition) parts(field string, do func(field string, part *Condition) error) error {
	if c.Not != nil {
		if err := do(field+".not", c.Not); err != nil {
			return err
		}
	}
	for _, list := range []struct {
		name  string
		parts []Condition
	}{{"and", c.And}, {"or", c.Or}} {
		for i := range list.parts {
			if err := do(fmt.Sprintf("%s.%s[%d]", field, list.name, i), &list.parts[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// walk gives the leaves, each with its field.
func (c *Condition) walk(field string, do func(field string, leaf *Condition) error) error {
	if c.And == nil && c.Or == nil && c.Not == nil {
		return do(field, c)
	}
	return c.parts(field, func(field string, part *Condition) error { return part.walk(field, do) })
}

// has reports whether something holds for one of the leaves.
func (c *Condition) has(what func(leaf *Condition) bool) (found bool) {
	_ = c.walk("", func(_ string, leaf *Condition) error {
		found = found || what(leaf)
		return nil
	})
	return found
}

func (c *Condition) leaves() (n int) {
	c.has(func(*Condition) bool { n++; return false })
	return n
}

// uses are the cohorts that the condition asks for, in order, each once.
func (c *Condition) uses() []int64 {
	ids := []int64{}
	c.has(func(leaf *Condition) bool {
		if leaf.Cohort != nil {
			ids = append(ids, *leaf.Cohort)
		}
		return false
	})
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Personal reports whether the condition says something of who the tenant's users are.
func (c *Condition) Personal() bool {
	return c.has(func(leaf *Condition) bool {
		return leaf.Trait != nil && leaf.Trait.Dimension.Kind == metric.ByUserTrait
	})
}

// Monetary reports whether it says something of what they pay.
func (c *Condition) Monetary() bool {
	return c.has(func(leaf *Condition) bool { return leaf.MRR != nil || leaf.Plan != nil })
}

// hours makes a window definite at an instant, in a tenant's calendar.
func (w Window) hours(now time.Time, of calendar.Grid) calendar.Bucket {
	if w.Last != nil {
		return stepsBefore(*w.Last, now, of, 0)
	}
	b := calendar.Bucket{Start: earliest, End: latest}
	if w.From != nil {
		b.Start = w.From.UTC()
	}
	if w.To != nil {
		b.End = w.To.UTC()
	}
	return b
}

// stepsBefore are as many steps as are meant: the running one and those before it, or, if any are
// passed over, those before them.
func stepsBefore(last metric.Last, now time.Time, of calendar.Grid, over int) calendar.Bucket {
	of.Interval = last.Interval
	return calendar.Bucket{Start: of.Add(now, 1-over-last.Count), End: of.Add(now, 1-over)}
}

// moves is when the windows of a condition become others; nil: never.
func (c *Condition) moves(now time.Time, of calendar.Grid) (at *time.Time) {
	c.has(func(leaf *Condition) bool {
		for _, last := range leaf.lasts() {
			of.Interval = last.Interval
			if next := of.Next(now); at == nil || next.Before(*at) {
				at = &next
			}
		}
		return false
	})
	return at
}

func (c *Condition) lasts() (list []metric.Last) {
	switch {
	case c.Stopped != nil:
		list = append(list, c.Stopped.Last)
	case c.Did != nil && c.Did.Within.Last != nil:
		list = append(list, *c.Did.Within.Last)
	case c.FirstSeen != nil && c.FirstSeen.Last != nil:
		list = append(list, *c.FirstSeen.Last)
	}
	return list
}

// subjects name what a condition is found from, as their revisions are counted: what was done on
// days, what is known of people and accounts and whose they are, and what is paid.
func (c *Condition) subjects() []string {
	subjects := []string{"grouping", "profile"}
	if !c.ofTraits() { // whom the tenant knows is found from days and memberships as well
		subjects = append(subjects, "day", "membership")
	}
	others := c.has(func(leaf *Condition) bool { return leaf.Cohort != nil }) // of which some may have to be found
	if others {
		subjects = append(subjects, "members")
	}
	if others || c.has(func(leaf *Condition) bool { return leaf.Health != nil }) {
		subjects = append(subjects, "health")
	}
	if others || c.Monetary() {
		subjects = append(subjects, "revenue")
	}
	return subjects
}

// ofTraits reports whether a condition holds for nobody but those of whom something was said.
func (c *Condition) ofTraits() bool {
	if c.Not != nil {
		return false
	}
	for _, part := range append(c.And, c.Or...) {
		if !part.ofTraits() {
			return false
		}
	}
	return c.And != nil || c.Or != nil ||
		c.Trait != nil && c.Trait.Dimension.Kind == metric.ByUserTrait && c.Trait.Operator != metric.IsNotSet
}
