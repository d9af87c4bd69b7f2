package metric

import (
	"fmt"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// DimensionKind is a kind of thing that figures can be broken down and filtered by.
type DimensionKind string

// The kinds, as in the schema's enum DimensionKind. Those of the second group have a name.
const (
	ByType            DimensionKind = "TYPE"
	BySource          DimensionKind = "SOURCE"
	ByAccount         DimensionKind = "ACCOUNT"
	ByPlan            DimensionKind = "PLAN"
	ByCurrency        DimensionKind = "CURRENCY"
	ByBillingInterval DimensionKind = "BILLING_INTERVAL"

	ByProperty     DimensionKind = "PROPERTY"
	ByContext      DimensionKind = "CONTEXT"
	ByUserTrait    DimensionKind = "USER_TRAIT"
	ByAccountTrait DimensionKind = "ACCOUNT_TRAIT"

	// ByCohort has as its name, in a breakdown, the number of the cohort; in a filter the values are.
	ByCohort DimensionKind = "COHORT"
)

// AllDimensionKinds lists the kinds in the order of the schema.
func AllDimensionKinds() []DimensionKind {
	return slices.Concat([]DimensionKind{ByType, BySource, ByAccount, ByPlan, ByCurrency, ByBillingInterval}, namedKinds, []DimensionKind{ByCohort})
}

var namedKinds = []DimensionKind{ByProperty, ByContext, ByUserTrait, ByAccountTrait}

// Dimension is what figures are broken down or filtered by.
type Dimension struct {
	Kind DimensionKind
	Name string // of a property, of a trait, or of what is in the context; dots lead into objects
}

// The bounds of breakdowns and filters.
const (
	maxDimensions = 3
	maxName       = 200
)

func (d Dimension) check(field string, of []DimensionKind) error {
	named := slices.Contains(namedKinds, d.Kind)
	switch {
	case !slices.Contains(of, d.Kind):
		return fault.Input(field+".kind", "This metric cannot be told by %s.", d.Kind)
	case named && d.Name == "":
		return fault.Input(field+".name", "Which one? %s needs a name.", d.Kind)
	case !named && d.Name != "":
		return fault.Input(field+".name", "%s has no name.", d.Kind)
	case len(d.Name) > maxName || !keepable(d.Name):
		return fault.Input(field+".name", "A name has at most %d bytes that can be kept.", maxName)
	}
	return nil
}

func checkBreakdown(by []Dimension, of []DimensionKind) error {
	if len(by) < 1 || len(by) > maxDimensions {
		return fault.Input("by", "Between 1 and %d dimensions are allowed.", maxDimensions)
	}
	for i, d := range by {
		field := fmt.Sprintf("by[%d]", i)
		if d.Kind == ByCohort && d.Name == "" {
			return fault.Input(field+".name", "Which one? COHORT needs the id of a cohort.")
		}
		if err := d.check(field, of); err != nil && (d.Kind != ByCohort || !slices.Contains(of, ByCohort)) {
			return err
		}
		if slices.Contains(by[:i], d) {
			return fault.Input(field, "Each dimension counts once.")
		}
	}
	return nil
}

// checkPersonal refuses what is known of people to who may not see it: neither its values, nor
// whom a guess at them lets through.
func checkPersonal(who access.Principal, by []Dimension, filter *Filter) (err error) {
	if who.May(access.ReadPII) {
		return nil
	}
	check := func(field string, d Dimension) {
		if d.Kind == ByUserTrait && err == nil {
			err = access.Lacking(access.ReadPII).In(field)
		}
	}
	for i, d := range by {
		check(fmt.Sprintf("by[%d]", i), d)
	}
	filter.walk("filter", func(field string, c *Condition) { check(field+".dimension", c.Dimension) })
	return err
}
