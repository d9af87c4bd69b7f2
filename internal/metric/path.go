package metric

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// parted is a filter taken apart for the statement that reads events: what their types must be,
// what must hold of their properties, and what of all that is known of them.
type parted struct {
	types      []string // nil: any
	properties *string  // SQL/JSON path over the properties; nil: nothing
	all        *string  // over a document of the parts
	parts      []string
}

// planOf takes a filter apart, with the types that are asked for anyway.
func planOf(f *Filter, types []string) parted {
	p := parted{types: types}
	var properties, all []string
	for _, part := range f.conjuncts() {
		if implied, is := part.types(); is {
			p.types = meet(p.types, implied)
			if part.Is != nil {
				continue
			}
		}
		if part.onlyOf(ByProperty) {
			properties = append(properties, part.predicate(true, "$"))
			continue
		}
		all = append(all, part.predicate(true, ""))
		for _, kind := range part.kinds() {
			p.parts = append(p.parts, string(kind))
		}
	}
	p.properties, p.all = pathOf(properties), pathOf(all)
	return p
}

// pathOf is strict: a value in a list is not the value.
func pathOf(predicates []string) *string {
	if len(predicates) == 0 {
		return nil
	}
	path := "strict " + strings.Join(predicates, " && ")
	return &path
}

// meet gives the types that are in both lists; nil is all types.
func meet(a, b []string) []string {
	if a == nil {
		return b
	}
	return slices.DeleteFunc(slices.Clone(a), func(t string) bool { return !slices.Contains(b, t) })
}

// conjuncts are the filters that must all hold.
func (f *Filter) conjuncts() (list []Filter) {
	switch {
	case f == nil:
		return nil
	case f.And == nil:
		return []Filter{*f}
	}
	for i := range f.And {
		list = append(list, f.And[i].conjuncts()...)
	}
	return list
}

// types are those that events must have for the filter to hold; false: it may for any.
func (f *Filter) types() (types []string, is bool) {
	switch {
	case f.Is != nil && f.Is.Dimension.Kind == ByType && f.Is.Operator == Equals:
		types = []string{}
		for _, v := range f.Is.Values {
			if text, ok := v.(string); ok {
				types = append(types, text)
			}
		}
		return types, true
	case f.And != nil:
		for i := range f.And {
			if part, ok := f.And[i].types(); ok {
				types, is = meet(types, part), true
			}
		}
		return types, is
	case f.Or != nil:
		types = []string{}
		for i := range f.Or {
			part, ok := f.Or[i].types()
			if !ok {
				return nil, false
			}
			types = append(types, part...)
		}
		return types, true
	}
	return nil, false
}

// kinds are the kinds of dimensions that a filter is over.
func (f *Filter) kinds() (kinds []DimensionKind) {
	f.walk("", func(_ string, c *Condition) {
		if !slices.Contains(kinds, c.Dimension.Kind) {
			kinds = append(kinds, c.Dimension.Kind)
		}
	})
	return kinds
}

// onlyOf reports whether a filter is over dimensions of one kind alone, or there is none.
func (f *Filter) onlyOf(kind DimensionKind) bool {
	return !slices.ContainsFunc(f.kinds(), func(k DimensionKind) bool { return k != kind })
}

// walk gives a filter's conditions, each with its field.
func (f *Filter) walk(field string, do func(field string, c *Condition)) {
	if f == nil {
		return
	}
	if f.Is != nil {
		do(field, f.Is)
	}
	f.Not.walk(field+".not", do)
	for i := range f.And {
		f.And[i].walk(fmt.Sprintf("%s.and[%d]", field, i), do)
	}
	for i := range f.Or {
		f.Or[i].walk(fmt.Sprintf("%s.or[%d]", field, i), do)
	}
}

// predicate writes a filter as a predicate of SQL/JSON path (PostgreSQL documentation, section
// 9.16.2) that is true where the filter holds, or where it surely does not. What is neither is
// what has no value; so negations are carried down to the conditions.
func (f *Filter) predicate(holds bool, root string) string {
	switch {
	case f.Not != nil:
		return f.Not.predicate(!holds, root)
	case f.Is != nil:
		return f.Is.predicate(holds, root)
	}
	list, word := f.And, " && "
	if f.And == nil {
		list = f.Or
	}
	if (f.And == nil) == holds {
		word = " || "
	}
	parts := make([]string, len(list))
	for i := range list {
		parts[i] = list[i].predicate(holds, root)
	}
	return "(" + strings.Join(parts, word) + ")"
}

// predicate writes a condition. The root is where its dimension begins; "" for the document of
// all parts.
func (c *Condition) predicate(holds bool, root string) string {
	at := c.Dimension.path(root)
	set := fmt.Sprintf("exists (%s ? (@ != null))", at)
	switch c.Operator {
	case IsSet, IsNotSet:
		if (c.Operator == IsSet) == holds {
			return set
		}
		// A path that leads nowhere is an error, of which nothing can be told.
		return fmt.Sprintf("(!%s || (%s) is unknown)", set, set)
	}
	met := fmt.Sprintf("exists (%s ? (%s))", at, c.met())
	if (c.Operator == NotEquals) != holds {
		return met
	}
	return fmt.Sprintf("(%s && !%s)", set, met)
}

var comparing = map[Operator]string{GreaterThan: ">", AtLeast: ">=", LessThan: "<", AtMost: "<="}

// met writes what an operator asks of the value "@"; of NOT_EQUALS, what it denies.
func (c *Condition) met() string {
	switch c.Operator {
	case Contains:
		return "@ like_regex " + quoted(verbatim(c.Values[0].(string))) + ` flag "i"`
	case StartsWith:
		return "@ like_regex " + quoted("^"+verbatim(c.Values[0].(string))) + ` flag "i"`
	case GreaterThan, AtLeast, LessThan, AtMost:
		return fmt.Sprintf("@ %s %s", comparing[c.Operator], literal(c.Values[0]))
	}
	either := make([]string, len(c.Values))
	for i, v := range c.Values {
		either[i] = "@ == " + literal(v)
		if c.Dimension.Kind == ByCohort { // whose value tells of each cohort whether it has them
			either[i] = "@." + literal(v) + " == true"
		}
	}
	return strings.Join(either, " || ")
}

// path leads to the dimension's value.
func (d Dimension) path(root string) string {
	if root == "" {
		root = "$." + quoted(string(d.Kind))
	}
	if d.Name == "" {
		return root
	}
	for _, name := range strings.Split(d.Name, ".") {
		root += "." + quoted(name)
	}
	return root
}

// literal writes a value that was checked.
func literal(value any) string {
	switch v := value.(type) {
	case string:
		return quoted(v)
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return "null" // there is none: nothing else passes the check
}

// verbatim writes a text as a regular expression of PostgreSQL's that stands for it: of ASCII
// only letters and digits mean themselves for sure.
func verbatim(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 && !isPlain(r) && r > ' ' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isPlain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// quoted writes a string of a path. Whatever is neither a letter of ASCII nor a digit is
// written by its number, so that no text can end the string.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, unit := range utf16.Encode([]rune(text)) {
		if isPlain(rune(unit)) {
			b.WriteByte(byte(unit))
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	b.WriteByte('"')
	return b.String()
}
