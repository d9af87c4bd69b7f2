package metric

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// ErrCohorts is the fault of who sees some rows alone, and asks who is in a cohort.
var ErrCohorts = fault.New(fault.Forbidden, "You see some rows alone, and who is in a cohort is told by all.")

// cohortsOf are the cohorts that a filter and a breakdown name, in order, each once; nil: none.
func cohortsOf(filter *Filter, by []Dimension) (ids []int64) {
	walkCohorts(filter, by, func(_ string, id int64) { ids = append(ids, id) })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// walkCohorts gives the cohorts that are named, each with its field. What is no number is 0, which
// no cohort has.
func walkCohorts(filter *Filter, by []Dimension, do func(field string, id int64)) {
	filter.EachCohort("filter", do)
	for i, d := range by {
		if d.Kind == ByCohort {
			do(fmt.Sprintf("by[%d].name", i), d.Cohort())
		}
	}
}

// EachCohort gives the cohorts that a filter names, each with the field of its condition.
func (f *Filter) EachCohort(field string, do func(field string, id int64)) {
	f.walk(field, func(field string, c *Condition) {
		for _, id := range c.Cohorts() {
			do(field+".values", id)
		}
	})
}

// Cohorts are those that a condition over who is in one names.
func (c *Condition) Cohorts() (ids []int64) {
	if c.Dimension.Kind != ByCohort {
		return nil
	}
	for _, v := range c.Values {
		text, _ := v.(string)
		ids = append(ids, cohortNumber(text))
	}
	return ids
}

// Cohort is the one that a dimension tells who is in.
func (d Dimension) Cohort() int64 { return cohortNumber(d.Name) }

// cohortNumber reads a cohort's number; 0 is none's.
func cohortNumber(text string) int64 {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != text {
		return 0
	}
	return id
}

// findCohorts refuses the questions that name a cohort that there is not, all by one statement.
func (r *round) findCohorts(ctx context.Context, questions []*Question, problems []error) error {
	var asked []int64
	for i, q := range questions {
		if problems[i] == nil {
			asked = append(asked, cohortsOf(q.Filter, q.By)...)
		}
	}
	if len(asked) == 0 || r.who.Rows != nil {
		return nil
	}
	known, err := dbsqlc.New().CohortKnown(ctx, r.tx, asked)
	if err != nil {
		return fmt.Errorf("find cohorts: %w", err)
	}
	for i, q := range questions {
		walkCohorts(q.Filter, q.By, func(field string, id int64) {
			if problems[i] == nil && !slices.Contains(known, id) {
				problems[i] = fault.Input(field, "There is no such cohort.")
			}
		})
	}
	return nil
}
