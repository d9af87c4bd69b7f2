package metric

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Filter is a tree of conditions: exactly one of its fields is set.
type Filter struct {
	And []Filter   `json:"and,omitempty"`
	Or  []Filter   `json:"or,omitempty"`
	Not *Filter    `json:"not,omitempty"`
	Is  *Condition `json:"is,omitempty"`
}

// Condition compares a dimension with values. Where there is no value, or a null, no operator
// but IS_NOT_SET holds, nor does its Not: what is not set is neither equal nor unequal.
type Condition struct {
	Dimension Dimension `json:"dimension"`
	Operator  Operator  `json:"operator"`
	Values    []any     `json:"values,omitempty"` // string, json.Number or bool
}

// Operator compares.
type Operator string

// The operators, as in the schema's enum FilterOperator.
const (
	Equals      Operator = "EQUALS"     // to any of the values
	NotEquals   Operator = "NOT_EQUALS" // to any of the values
	Contains    Operator = "CONTAINS"   // text
	StartsWith  Operator = "STARTS_WITH"
	GreaterThan Operator = "GREATER_THAN"
	AtLeast     Operator = "AT_LEAST"
	LessThan    Operator = "LESS_THAN"
	AtMost      Operator = "AT_MOST"
	IsSet       Operator = "IS_SET"
	IsNotSet    Operator = "IS_NOT_SET"
)

// AllOperators lists the operators in the order of the schema.
func AllOperators() []Operator { return operators }

var operators = []Operator{Equals, NotEquals, Contains, StartsWith, GreaterThan, AtLeast, LessThan, AtMost, IsSet, IsNotSet}

// The bounds of a filter.
const (
	maxFilterDepth = 8
	maxConditions  = 50
	maxValues      = 100
	maxValue       = 1_000  // bytes of a text
	maxFilter      = 32_768 // bytes of all of it as JSON
)

// plainNumber is a number whose size is bounded: an exponent of many digits could make it any.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$`)

// check says what is wrong with a filter, by the name of the field.
func (f *Filter) check(of []DimensionKind) error { return f.Check("filter", of...) }

// Check says what is wrong with a filter over dimensions of some kinds, by the name of the field
// that it is in.
func (f *Filter) Check(field string, of ...DimensionKind) error {
	if f == nil {
		return nil
	}
	if n := f.size(); n > maxConditions {
		return fault.Input(field, "At most %d conditions are allowed.", maxConditions)
	}
	if err := f.checkAt(field, field, of, 1); err != nil {
		return err
	}
	if len(f.key()) > maxFilter {
		return fault.Input(field, "At most %d bytes are allowed, as JSON.", maxFilter)
	}
	return nil
}

func (f *Filter) size() int {
	n := 0
	if f.Is != nil {
		n++
	}
	if f.Not != nil {
		n += f.Not.size()
	}
	for _, list := range [][]Filter{f.And, f.Or} {
		for i := range list {
			n += list[i].size()
		}
	}
	return n
}

func (f *Filter) checkAt(root, field string, of []DimensionKind, depth int) error {
	if depth > maxFilterDepth {
		return fault.Input(root, "At most %d levels are allowed.", maxFilterDepth)
	}
	set := 0
	for _, given := range []bool{f.And != nil, f.Or != nil, f.Not != nil, f.Is != nil} {
		if given {
			set++
		}
	}
	if set != 1 {
		return fault.Input(field, "Exactly one is needed: and, or, not, or a condition.")
	}
	if f.Is != nil {
		return f.Is.check(field, of)
	}
	if f.Not != nil {
		return f.Not.checkAt(root, field+".not", of, depth+1)
	}
	if len(f.And)+len(f.Or) == 0 {
		return fault.Input(field, "There is nothing in it.")
	}
	list, name := f.And, "and"
	if f.Or != nil {
		list, name = f.Or, "or"
	}
	for i := range list {
		if err := list[i].checkAt(root, fmt.Sprintf("%s.%s[%d]", field, name, i), of, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *Condition) check(field string, of []DimensionKind) error {
	if err := c.Dimension.check(field+".dimension", of); err != nil {
		return err
	}
	if !slices.Contains(operators, c.Operator) {
		return fault.Input(field+".operator", "There is no such operator.")
	}
	if c.Dimension.Kind == ByCohort && c.Operator != Equals && c.Operator != NotEquals {
		return fault.Input(field+".operator", "A cohort is compared by EQUALS and NOT_EQUALS.")
	}
	if c.Operator == IsSet || c.Operator == IsNotSet {
		if len(c.Values) > 0 {
			return fault.Input(field+".values", "%s has no values.", c.Operator)
		}
		return nil
	}
	most := 1
	if c.Operator == Equals || c.Operator == NotEquals {
		most = maxValues
	}
	if len(c.Values) < 1 || len(c.Values) > most {
		return fault.Input(field+".values", "%s takes between 1 and %d values.", c.Operator, most)
	}
	for _, v := range c.Values {
		if err := c.checkValue(field+".values", v); err != nil {
			return err
		}
	}
	return nil
}

func (c *Condition) checkValue(field string, v any) error {
	switch v := v.(type) {
	case string:
		if len(v) > maxValue || !keepable(v) {
			return fault.Input(field, "A text has at most %d bytes that can be kept.", maxValue)
		}
		return nil
	case json.Number:
		if !plainNumber.MatchString(v.String()) {
			return fault.Input(field, "A number has at most 30 digits before and after the point, and an exponent of two.")
		}
		if c.Operator != Contains && c.Operator != StartsWith {
			return nil
		}
	case bool:
		if c.Operator == Equals || c.Operator == NotEquals {
			return nil
		}
	}
	return fault.Input(field, "%s does not compare with this.", c.Operator)
}

// key writes a filter in the one way that equal ones are written in.
func (f *Filter) key() string {
	if f == nil {
		return ""
	}
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Sprintf("%p", f) // shares nothing
	}
	return string(text)
}
