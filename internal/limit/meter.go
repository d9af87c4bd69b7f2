package limit

import (
	"context"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Meter follows one operation while it is executed.
type Meter struct {
	estimate *Estimate
	most     int // items
	items    atomic.Int64
	unused   atomic.Int64
	whole    *Meter // nil unless it is of a part
}

// NewMeter makes the meter of an operation whose lists may give so many items together.
func NewMeter(estimate *Estimate, mostItems int) *Meter {
	return &Meter{estimate: estimate, most: mostItems}
}

// Afresh is a meter of the same operation that has counted nothing. Of none it is none.
func (m *Meter) Afresh() *Meter {
	if m == nil {
		return nil
	}
	return NewMeter(m.estimate, m.most)
}

// Part is a meter of a part of the operation: what it counts, this one counts as well, and it is
// full when this one is. Of none it is none.
func (m *Meter) Part() *Meter {
	if m == nil {
		return nil
	}
	return &Meter{estimate: m.estimate, most: m.most, whole: m}
}

// Requested is what the operation may cost at most, and what it is charged.
func (m *Meter) Requested() int { return m.estimate.Total }

// Actual is what the operation has cost by now: what was requested, without the items of
// pages that there were not, and what would have been below them. It is exact once all is
// executed, but for lists without a `first`, which count as long as they were taken to be.
func (m *Meter) Actual() int { return m.Counts().Actual(m.estimate.Total) }

// Returned notes how many items a field with a `first` gives. It fails when the lists of the
// operation come to more items than it may have. Without a meter nothing is counted.
func (m *Meter) Returned(field *ast.Field, items int) error {
	if m == nil {
		return nil
	}
	c := Counts{items: int64(items)}
	if p, known := m.estimate.pages[field]; known && items < p.first {
		c.unused = int64(p.first-items) * int64(p.each)
	}
	m.Repeat(c)
	return m.Full()
}

// Counts are what a meter has counted.
type Counts struct{ items, unused int64 }

// Actual is what an operation has cost for which so much was requested.
func (c Counts) Actual(requested int) int { return max(1, requested-int(c.unused)) }

// Counts gives what was counted, for another meter of the same operation; of none, nothing.
func (m *Meter) Counts() Counts {
	if m == nil {
		return Counts{}
	}
	return Counts{m.items.Load(), m.unused.Load()}
}

// Repeat counts what was counted when the same answer, or part of it, was worked out.
func (m *Meter) Repeat(c Counts) {
	for ; m != nil; m = m.whole {
		m.items.Add(c.items)
		m.unused.Add(c.unused)
	}
}

// Full fails when there are more items than there may be: nothing more needs to be read.
func (m *Meter) Full() error {
	if m == nil || m.items.Load() <= int64(m.most) && m.whole.Full() == nil {
		return nil
	}
	return fault.Input("first", "The lists of this query have more than %d items together. Ask for fewer.", m.most)
}

type meterKey struct{}

// WithMeter returns a context that carries the meter of what is executed in it.
func WithMeter(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, meterKey{}, m)
}

// MeterOf is the meter of what is executed; nil if it has none.
func MeterOf(ctx context.Context) *Meter {
	m, _ := ctx.Value(meterKey{}).(*Meter)
	return m
}
