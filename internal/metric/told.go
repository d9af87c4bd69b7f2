package metric

import "strings"

// Conditions are a filter of events as the statements over measured_event take it.
type Conditions struct {
	Types        []string // nil: any
	OfProperties *string  // SQL/JSON paths; nil: nothing is asked for
	OfAll        *string
	Parts        []string
}

// Conditions takes a filter, which was checked, apart: for events of some types; nil: of any.
func (f *Filter) Conditions(types []string) Conditions {
	how := planOf(f, types)
	return Conditions{how.types, how.properties, how.all, how.parts}
}

// Check says what is wrong with a condition over dimensions of some kinds, by the name of the
// field that it is in.
func (c *Condition) Check(field string, of ...DimensionKind) error { return c.check(field, of) }

// Path writes a condition, which was checked, as a predicate of SQL/JSON path over a document
// that has the kind of its dimension as a member.
func (c *Condition) Path() string { return "strict " + c.predicate(true, "") }

// First is the first name of the dimension's path: of a trait, which one it is.
func (d Dimension) First() string {
	name, _, _ := strings.Cut(d.Name, ".")
	return name
}
