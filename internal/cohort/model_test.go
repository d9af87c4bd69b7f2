package cohort_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// A plain evaluation in Go of what cohorts are found by: person by person, event by event.

// fact is an event, or what was said of somebody.
type fact struct {
	id, kind     string
	user, device string
	at           time.Time
	group        string
	region       any            // a property; nil: none
	traits       map[string]any // of the person, or of the group
}

// model is what is known of a tenant.
type model struct {
	facts  []fact // in the order of time: no two are of one instant
	merged map[string]string
	now    time.Time
	grid   calendar.Grid
	known  map[string]bool
	of     map[string]string // whose each fact is
}

func (m *model) look() {
	m.facts = slices.SortedFunc(slices.Values(m.facts), func(a, b fact) int { return a.at.Compare(b.at) })
	owner := map[string]string{}
	for _, f := range m.facts {
		if _, owned := owner[f.device]; !owned && f.user != "" && f.device != "" {
			owner[f.device] = f.user
		}
	}
	m.of, m.known = map[string]string{}, map[string]bool{}
	for _, f := range m.facts {
		who := f.user
		if who == "" && f.device != "" {
			if who = owner[f.device]; who == "" {
				who = "device " + f.device
			}
		}
		for m.merged[who] != "" {
			who = m.merged[who]
		}
		m.of[f.id] = who
		if who != "" && (f.kind[0] != '$' || f.traits != nil || f.group != "") {
			m.known[who] = true
		}
	}
}

func (m *model) holds(c *cohort.Condition, who string) bool {
	switch {
	case c.Not != nil:
		return !m.holds(c.Not, who)
	case c.And != nil:
		return !slices.ContainsFunc(c.And, func(part cohort.Condition) bool { return !m.holds(&part, who) })
	case c.Or != nil:
		return slices.ContainsFunc(c.Or, func(part cohort.Condition) bool { return m.holds(&part, who) })
	case c.Trait != nil:
		return m.trait(c.Trait, who)
	case c.Did != nil:
		n := m.count(c.Did.Events, who, m.window(c.Did.Within))
		return c.Did.Times == cohort.AtLeast && n >= c.Did.Count || c.Did.Times == cohort.AtMost && n <= c.Did.Count ||
			c.Did.Times == cohort.Exactly && n == c.Did.Count
	case c.Stopped != nil:
		last := m.window(cohort.Window{Last: &c.Stopped.Last})
		twice := m.window(cohort.Window{Last: &metric.Last{Count: 2 * c.Stopped.Last.Count, Interval: c.Stopped.Last.Interval}})
		return m.count(c.Stopped.Events, who, last) == 0 && m.count(c.Stopped.Events, who, calendar.Bucket{Start: twice.Start, End: last.Start}) > 0
	}
	for _, f := range m.facts { // the first is the earliest
		if m.of[f.id] == who && f.kind[0] != '$' {
			b := m.window(*c.FirstSeen)
			return !f.at.Before(b.Start) && f.at.Before(b.End)
		}
	}
	return false
}

func (m *model) window(w cohort.Window) calendar.Bucket {
	b := calendar.Bucket{Start: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	if w.From != nil {
		b.Start = *w.From
	}
	if w.To != nil {
		b.End = *w.To
	}
	if w.Last != nil {
		g := m.grid
		g.Interval = w.Last.Interval
		b.Start = g.Floor(m.now)
		b.End = g.Next(m.now)
		for range w.Last.Count - 1 {
			b.Start = g.Floor(b.Start.Add(-time.Microsecond))
		}
	}
	return b
}

func (m *model) count(e cohort.Events, who string, within calendar.Bucket) (n int) {
	for _, f := range m.facts {
		counts := e.Types == nil && f.kind[0] != '$' || slices.Contains(e.Types, f.kind)
		if m.of[f.id] == who && counts && !f.at.Before(within.Start) && f.at.Before(within.End) && m.passes(e.Filter, f) {
			n++
		}
	}
	return n
}

func (m *model) passes(f *metric.Filter, of fact) bool {
	return f == nil || meets(f.Is, of.region)
}

func (m *model) trait(c *metric.Condition, who string) bool {
	if c.Dimension.Kind == metric.ByUserTrait {
		return meets(c, m.said(c.Dimension.Name, func(f fact) bool { return f.kind == "$identify" && m.of[f.id] == who }))
	}
	groups := map[string]bool{}
	for _, f := range m.facts {
		if f.group != "" && m.of[f.id] == who {
			groups[f.group] = true
		}
	}
	any := false
	for group := range maps.Keys(groups) {
		value := m.said(c.Dimension.Name, func(f fact) bool { return f.kind == "$group" && f.group == group })
		if c.Operator == metric.IsNotSet {
			any = any || value != nil
		} else {
			any = any || meets(c, value)
		}
	}
	return any != (c.Operator == metric.IsNotSet)
}

// said is what was said last.
func (m *model) said(name string, counts func(fact) bool) (value any) {
	for _, f := range m.facts {
		if v, ok := f.traits[name]; ok && counts(f) {
			value = v
		}
	}
	return value
}

func meets(c *metric.Condition, value any) bool {
	text, isText := value.(string)
	switch {
	case c.Operator == metric.IsSet:
		return value != nil
	case c.Operator == metric.IsNotSet:
		return value == nil
	case value == nil:
		return false
	case c.Operator == metric.Equals:
		return slices.Contains(c.Values, value)
	case c.Operator == metric.NotEquals:
		return !slices.Contains(c.Values, value)
	case c.Operator == metric.Contains:
		return strings.Contains(strings.ToLower(text), strings.ToLower(c.Values[0].(string)))
	}
	other, _ := c.Values[0].(string)
	return isText && (c.Operator == metric.AtLeast && text >= other || c.Operator == metric.LessThan && text < other)
}
