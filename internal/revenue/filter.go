package revenue

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/metric"
)

// eachOf goes through the dimensions that a filter looks at.
func eachOf(f *metric.Filter, visit func(metric.Dimension)) {
	if f == nil {
		return
	}
	for _, list := range [][]metric.Filter{f.And, f.Or} {
		for i := range list {
			eachOf(&list[i], visit)
		}
	}
	eachOf(f.Not, visit)
	if f.Is != nil {
		visit(f.Is.Dimension)
	}
}

// holds reports whether a filter lets something pass, by the values that it has.
func holds(f *metric.Filter, value func(metric.Dimension) any) bool {
	passes := func(inner metric.Filter) bool { return holds(&inner, value) }
	switch {
	case f == nil:
		return true
	case f.And != nil:
		return !slices.ContainsFunc(f.And, func(inner metric.Filter) bool { return !passes(inner) })
	case f.Or != nil:
		return slices.ContainsFunc(f.Or, passes)
	case f.Not != nil:
		return !passes(*f.Not)
	}
	return compares(f.Is, value(f.Is.Dimension))
}

// compares: what is not set is neither equal nor unequal to anything.
func compares(c *metric.Condition, value any) bool {
	switch {
	case c.Operator == metric.IsNotSet:
		return value == nil
	case c.Operator == metric.IsSet || value == nil:
		return value != nil
	}
	equals := func(v any) bool { n, ok := order(value, v); return ok && n == 0 }
	switch c.Operator {
	case metric.Equals:
		return slices.ContainsFunc(c.Values, equals)
	case metric.NotEquals:
		return !slices.ContainsFunc(c.Values, equals)
	case metric.Contains, metric.StartsWith:
		has, ok := value.(string)
		want, ok2 := c.Values[0].(string)
		return ok && ok2 && (strings.HasPrefix(has, want) || c.Operator == metric.Contains && strings.Contains(has, want))
	}
	n, ok := order(value, c.Values[0])
	if !ok {
		return false
	}
	return map[metric.Operator]bool{
		metric.GreaterThan: n > 0, metric.AtLeast: n >= 0, metric.LessThan: n < 0, metric.AtMost: n <= 0,
	}[c.Operator]
}

// order compares values of one type; of others it is false.
func order(a, b any) (n int, ok bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return 0, false
		}
		x, err := a.Float64()
		y, err2 := b.Float64()
		return cmp.Compare(x, y), err == nil && err2 == nil
	case bool:
		b, ok := b.(bool)
		if a == b {
			return 0, ok
		}
		return 1, ok
	}
	return 0, false
}
