package cohort

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// The bounds of a condition.
const (
	maxDepth  = 8
	maxLeaves = 50
	maxBytes  = 32_768 // of it as JSON
	maxTypes  = 50
	maxWord   = 200 // bytes of a type, or of a plan's key
	maxPlans  = 100
	maxCount  = 1_000_000
	maxSteps  = 10_000
)

// The bounds of time: no event is from before, nor from so far ahead.
var (
	earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Check says what is wrong with a condition, by the name of the field.
func (c *Condition) Check(field string) error {
	if err := c.checkShape(field, field, 1); err != nil {
		return err
	}
	if c.leaves() > maxLeaves {
		return fault.Input(field, "At most %d conditions are allowed.", maxLeaves)
	}
	if err := c.walk(field, func(field string, leaf *Condition) error { return leaf.checkLeaf(field) }); err != nil {
		return err
	}
	text, err := c.write()
	if err == nil && len(text) > maxBytes {
		err = fault.Input(field, "At most %d bytes are allowed, as JSON.", maxBytes)
	}
	return err
}

func (c *Condition) checkShape(root, field string, depth int) error {
	if depth > maxDepth {
		return fault.Input(root, "At most %d levels are allowed.", maxDepth)
	}
	set := 0
	for _, given := range []bool{
		c.And != nil, c.Or != nil, c.Not != nil, c.Trait != nil, c.Did != nil, c.Stopped != nil,
		c.FirstSeen != nil, c.Cohort != nil, c.Plan != nil, c.MRR != nil, c.Health != nil,
	} {
		if given {
			set++
		}
	}
	switch {
	case set != 1:
		return fault.Input(field, "Exactly one is needed: and, or, not, or what is to hold.")
	case c.And != nil && len(c.And) == 0, c.Or != nil && len(c.Or) == 0:
		return fault.Input(field, "There is nothing in it.")
	}
	return c.parts(field, func(field string, part *Condition) error { return part.checkShape(root, field, depth+1) })
}

func (c *Condition) checkLeaf(field string) error {
	switch {
	case c.Trait != nil:
		return c.Trait.Check(field+".trait", metric.ByUserTrait, metric.ByAccountTrait)
	case c.Did != nil:
		return c.Did.check(field + ".did")
	case c.Stopped != nil:
		if err := c.Stopped.check(field + ".stopped"); err != nil {
			return err
		}
		return checkLast(field+".stopped.last", c.Stopped.Last, 2)
	case c.FirstSeen != nil:
		return c.FirstSeen.check(field + ".firstSeen")
	case c.MRR != nil:
		return c.MRR.check(field + ".mrr")
	case c.Plan != nil:
		return checkWords(field+".plan", c.Plan, maxPlans)
	case c.Health != nil:
		return checkBands(field+".health", c.Health)
	}
	return nil
}

func checkBands(field string, bands []health.Band) error {
	if len(bands) == 0 {
		return fault.Input(field, "At least one band is needed.")
	}
	for i, band := range bands {
		if !slices.Contains(health.AllBands(), band) || slices.Contains(bands[:i], band) {
			return fault.Input(fmt.Sprintf("%s[%d]", field, i), "There is no such band, or it stands here twice.")
		}
	}
	return nil
}

// eventDimensions are what events of a condition can be told by.
var eventDimensions = []metric.DimensionKind{metric.ByType, metric.BySource, metric.ByAccount, metric.ByProperty, metric.ByContext}

func (e *Events) check(field string) error {
	if e.Types != nil {
		if err := checkWords(field+".types", e.Types, maxTypes); err != nil {
			return err
		}
	}
	return e.Filter.Check(field+".filter", eventDimensions...)
}

func (d *Did) check(field string) error {
	if err := d.Events.check(field); err != nil {
		return err
	}
	switch {
	case !slices.Contains(AllTimes(), d.Times):
		return fault.Input(field+".times", "There is no such way to compare.")
	case d.Count < 0 || d.Count > maxCount:
		return fault.Input(field+".count", "Between 0 and %d are allowed.", maxCount)
	case d.Times == AtLeast && d.Count == 0:
		return fault.Input(field+".count", "Everybody did something at least 0 times.")
	}
	return d.Within.check(field + ".within")
}

func (w *Window) check(field string) error {
	if w.Last != nil {
		if w.From != nil || w.To != nil {
			return fault.Input(field+".last", "It is either last, or from and to.")
		}
		return checkLast(field+".last", *w.Last, 1)
	}
	from, to := earliest, latest
	if w.From != nil {
		from = *w.From
	}
	if w.To != nil {
		to = *w.To
	}
	switch {
	case from.Before(earliest) || from.After(latest):
		return fault.Input(field+".from", "It lies between the years 2000 and 2100.")
	case to.Before(earliest) || to.After(latest):
		return fault.Input(field+".to", "It lies between the years 2000 and 2100.")
	case !from.Before(to):
		return fault.Input(field+".to", "It ends after it starts.")
	}
	return nil
}

// checkLast keeps as many times the steps within the time that there is.
func checkLast(field string, last metric.Last, times int) error {
	if !last.Interval.Valid() {
		return fault.Input(field+".interval", "There is no such interval.")
	}
	most := min(maxSteps, mostSteps[last.Interval]) / times
	if last.Count < 1 || last.Count > most {
		return fault.Input(field+".count", "Between 1 and %d are allowed.", most)
	}
	return nil
}

// mostSteps go back some twenty years.
var mostSteps = map[calendar.Interval]int{
	calendar.Hour: 10_000, calendar.Day: 7_300, calendar.Week: 1_040, calendar.Month: 240, calendar.Quarter: 80, calendar.Year: 20,
}

func (a *Amount) check(field string) error {
	switch a.Operator {
	case metric.Equals, metric.NotEquals, metric.GreaterThan, metric.AtLeast, metric.LessThan, metric.AtMost:
	default:
		return fault.Input(field+".operator", "%s does not compare with money.", a.Operator)
	}
	if a.Amount < 0 || a.Amount > 1_000_000_000_000 {
		return fault.Input(field+".amount", "It is 0 or more, and at most 1,000,000,000,000.")
	}
	return nil
}

// holds compares an amount with the one that is given.
func (a *Amount) holds(amount int64) bool {
	switch a.Operator {
	case metric.Equals:
		return amount == a.Amount
	case metric.NotEquals:
		return amount != a.Amount
	case metric.GreaterThan:
		return amount > a.Amount
	case metric.AtLeast:
		return amount >= a.Amount
	case metric.LessThan:
		return amount < a.Amount
	}
	return amount <= a.Amount
}

func checkWords(field string, words []string, most int) error {
	if len(words) < 1 || len(words) > most {
		return fault.Input(field, "Between 1 and %d are allowed.", most)
	}
	for i, word := range words {
		if word == "" || len(word) > maxWord || !customer.Sendable(word) {
			return fault.Input(fmt.Sprintf("%s[%d]", field, i), "It has between 1 and %d bytes that can be kept.", maxWord)
		}
	}
	return nil
}
