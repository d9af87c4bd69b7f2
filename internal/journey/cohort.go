package journey

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// findMembers reads who is in the cohorts that are named, now.
func (s *scene) findMembers(ctx context.Context, of []Events, by []metric.Dimension) error {
	named := map[int64]string{} // with a field that names it
	for _, e := range of {
		e.Filter.EachCohort(e.Field+".filter", func(field string, id int64) { named[id] = field })
	}
	for i, d := range by {
		if d.Kind == metric.ByCohort {
			named[d.Cohort()] = fmt.Sprintf("by[%d].name", i)
		}
	}
	if len(named) == 0 {
		return nil
	}
	if s.Who().Rows != nil {
		return metric.ErrCohorts
	}
	found, err := cohort.MembersNow(ctx, s.Tx(), slices.Sorted(maps.Keys(named)))
	if err != nil {
		return err
	}
	s.members = map[int64]map[int64]bool{}
	for id, field := range named {
		persons, known := found[id]
		if !known {
			return fault.Input(field, "There is no such cohort.")
		}
		s.members[id] = make(map[int64]bool, len(persons))
		for _, p := range persons {
			s.members[id][p] = true
		}
	}
	return nil
}

// The numbers of what membership tells.
const (
	inside  = 1
	outside = 2
)

// membership tells events by whether whoever did them is in a cohort; nothing where nobody is
// known to have done them.
func (s *scene) membership(ids ...int64) column {
	dictionary := history.NewDictionary()
	dictionary.Add("true")
	dictionary.Add("false")
	persons := s.columns.Persons()
	codes := make([]uint32, len(persons))
	for i, person := range persons {
		if person == 0 {
			continue
		}
		codes[i] = outside
		if slices.ContainsFunc(ids, func(id int64) bool { return s.members[id][person] }) {
			codes[i] = inside
		}
	}
	return column{&dictionary, &history.Judged{}, func(row uint32) uint32 { return codes[s.columns.IdentityAt(row)] }}
}

// among tells of which events it holds that whoever did them is in one of some cohorts, or that
// they are in none.
func (s *scene) among(c *metric.Condition, holds bool) func(row uint32) bool {
	of := s.membership(c.Cohorts()...)
	want := uint32(inside)
	if (c.Operator == metric.NotEquals) == holds {
		want = outside
	}
	return func(row uint32) bool { return of.code(row) == want }
}
