package metric_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/metric"
)

// checker holds an answer against the recount.
type checker struct {
	asked
	list []told
	t    *rapid.T
}

// recount gives the figure of some of what is told.
func (c checker) recount(list []told, from, to time.Time) (float64, bool) {
	if c.first {
		n := 0
		for _, f := range list { // these are first events already
			if !f.at.Before(from) && f.at.Before(to) {
				n++
			}
		}
		return float64(n), n > 0
	}
	return figure(c.measure, list, from, to)
}

// passing are the events that count: those that pass, or the first of everybody's.
func (c checker) passing() []told {
	if c.first {
		return firsts(c.list, c.Filter)
	}
	return slices.DeleteFunc(slices.Clone(c.list), func(t told) bool { return t.holds(c.Filter) <= 0 })
}

func (c checker) value(v metric.Value) {
	c.equal("value", v.Value, c.passing(), *c.From, *c.To)
	if !v.Exact {
		c.t.Errorf("not exact: %s", c.describe())
	}
}

func (c checker) series(s metric.Series) {
	for i, start := range s.At {
		c.bucket("series", s.Values[i], c.passing(), s.At, i, start)
	}
}

func (c checker) bucket(what string, got *float64, list []told, at []time.Time, i int, start time.Time) {
	end := *c.To
	if i+1 < len(at) {
		end = at[i+1]
	}
	c.equal(fmt.Sprintf("%s[%d]", what, i), got, list, later(start, *c.From), end)
}

// equal compares a figure; one that should not be there is null for what has no 0.
func (c checker) equal(what string, got *float64, list []told, from, to time.Time) {
	c.t.Helper()
	want, some := c.recount(list, from, to)
	nullable := slices.Contains([]metric.Aggregation{metric.Average, metric.Minimum, metric.Maximum, metric.Percentile}, c.measure.Aggregation)
	if !some && nullable {
		if got != nil {
			c.t.Errorf("%s is %v, want none: %s", what, *got, c.describe())
		}
		return
	}
	if got == nil || math.Abs(*got-want) > 1e-9*math.Abs(want) {
		shown := "null"
		if got != nil {
			shown = fmt.Sprint(*got)
		}
		c.t.Errorf("%s is %s, want %v: %s", what, shown, want, c.describe())
	}
}

// rank lists the groups of a range, the largest first, as the keys are written.
func (c checker) rank() (groups map[string][]told, order []string) {
	all, size := map[string][]told{}, map[string]float64{}
	for _, t := range c.passing() {
		key := ""
		for _, d := range c.By {
			key += wordOf(t.key(d))
		}
		all[key] = append(all[key], t)
	}
	for key, list := range all {
		if n, some := c.recount(list, *c.From, *c.To); some {
			size[key], order = n, append(order, key)
		}
	}
	slices.SortFunc(order, func(a, b string) int {
		switch {
		case size[a] > size[b]:
			return -1
		case size[a] < size[b]:
			return 1
		}
		return strings.Compare(a, b)
	})
	return all, order
}

func wordOf(key *string) string {
	if key == nil {
		return "-\x00"
	}
	return "=" + *key + "\x00"
}

func (c checker) breakdown(b metric.Breakdown) {
	groups, order := c.rank()
	if b.Groups != len(order) || len(b.Rows) != min(c.Top, len(order)) {
		c.t.Errorf("%d groups and %d rows, want %d: %s", b.Groups, len(b.Rows), len(order), c.describe())
		return
	}
	var rest []told
	for key, list := range groups {
		if !slices.Contains(order[:len(b.Rows)], key) {
			rest = append(rest, list...)
		}
	}
	for i, row := range b.Rows {
		key := ""
		for _, k := range row.Keys {
			key += wordOf(k)
		}
		if key != order[i] {
			c.t.Errorf("row %d is %q, want %q: %s", i, key, order[i], c.describe())
			return
		}
		c.row(fmt.Sprintf("row %q", key), row, b, groups[key])
	}
	if (b.Rest != nil) != (len(order) > len(b.Rows)) {
		c.t.Errorf("a rest: %t, of %d groups: %s", b.Rest != nil, len(order), c.describe())
		return
	}
	if b.Rest != nil {
		c.row("rest", *b.Rest, b, rest)
	}
	c.row("total", b.Total, b, c.passing())
}

func (c checker) row(what string, row metric.Row, b metric.Breakdown, list []told) {
	c.equal(what, row.Value, list, *c.From, *c.To)
	if len(row.Values) != len(b.At) {
		c.t.Errorf("%s has %d figures of %d: %s", what, len(row.Values), len(b.At), c.describe())
		return
	}
	for i, start := range b.At {
		c.bucket(what, row.Values[i], list, b.At, i, start)
	}
}
