package journey

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/metric"
)

// matcher finds which events count as something.
func (s *scene) matcher(ctx context.Context, e Events) (Matcher, error) {
	var m Matcher
	if e.Types != nil {
		m.Types = []uint16{}
		for _, name := range e.Types {
			if code, known := s.columns.TypeCode(name); known {
				m.Types = append(m.Types, code)
			}
		}
	}
	if e.Filter == nil {
		return m, nil
	}
	var err error
	m.Pass, err = s.test(ctx, e.Filter, true)
	return m, err
}

// test tells of which events a filter holds, or of which it surely does not. What is neither is
// what has no value, so negations are carried down to the conditions, as in [metric.Filter].
func (s *scene) test(ctx context.Context, f *metric.Filter, holds bool) (func(row uint32) bool, error) {
	switch {
	case f.Not != nil:
		return s.test(ctx, f.Not, !holds)
	case f.Is != nil:
		return s.leaf(ctx, f.Is, holds)
	}
	list, all := f.And, holds
	if f.And == nil {
		list, all = f.Or, !holds
	}
	tests := make([]func(uint32) bool, len(list))
	for i := range list {
		var err error
		if tests[i], err = s.test(ctx, &list[i], holds); err != nil {
			return nil, err
		}
	}
	return func(row uint32) bool {
		for _, t := range tests {
			if t(row) != all {
				return !all
			}
		}
		return all
	}, nil
}

// leaf judges each value once, and not each event. PostgreSQL judges, so that a condition means
// here what it means everywhere.
func (s *scene) leaf(ctx context.Context, c *metric.Condition, holds bool) (func(row uint32) bool, error) {
	if c.Dimension.Kind == metric.ByCohort {
		return s.among(c, holds), nil
	}
	of := s.column(c.Dimension)
	judged, err := of.judged.Of(ctx, s.Tx(), of.dictionary, c.Holds(holds))
	if err != nil {
		return nil, err
	}
	return func(row uint32) bool { return judged[of.code(row)] }, nil
}
