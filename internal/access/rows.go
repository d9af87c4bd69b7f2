package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// Rows narrow what a caller sees of a tenant's data to the rows that meet conditions. They
// are compiled into what PostgreSQL's row security holds each row against, and cannot be
// changed once they are made. No Rows narrow nothing.
type Rows struct {
	key      string
	compiled postgres.Rows
}

// Conditions say which rows are seen. All conditions of a subject must hold. Of a subject
// without any, nothing is seen: what was forgotten stays hidden.
type Conditions struct {
	Events   []Condition `json:"events,omitempty"`
	People   []Condition `json:"people,omitempty"`
	Accounts []Condition `json:"accounts,omitempty"`
}

// Condition holds where something is one of some values. It has exactly one of Property,
// Trait and Group.
type Condition struct {
	// Property leads to a property of an event by the names of the objects around it:
	// {"plan", "tier"} is tier within plan.
	Property []string `json:"property,omitempty"`
	// Trait names a trait of a person or an account.
	Trait string `json:"trait,omitempty"`
	// Group is the type of the account that an event was done for, or that an account is of;
	// its id is what is compared.
	Group string `json:"group,omitempty"`
	// In are the values: a string, json.Number or bool each, ids of groups being strings.
	// Kinds are told apart: the number 1 is not the string "1".
	In []any `json:"in"`
}

// The bounds of conditions.
const (
	maxConditions = 20
	maxValues     = 100
	maxPath       = 10
	maxText       = 200    // characters of a name or a value
	maxRowsBytes  = 16_384 // of all of it as JSON
)

// plainNumber is a number whose every digit counts: an exponent could make it any size.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?$`)

// NewRows checks conditions and compiles them. Its faults are BAD_USER_INPUT, and name the
// condition, such as rows.events[0].in. No condition at all is refused too: it would show
// nothing, and is nothing that anybody wants to say.
func NewRows(c Conditions) (*Rows, error) {
	if n := len(c.Events) + len(c.People) + len(c.Accounts); n < 1 || n > maxConditions {
		return nil, fault.Input("rows", "Between 1 and %d conditions are needed.", maxConditions)
	}
	var err error
	for _, subject := range []struct {
		name       string
		conditions *[]Condition
	}{{"events", &c.Events}, {"people", &c.People}, {"accounts", &c.Accounts}} {
		if *subject.conditions, err = canonicalConditions(subject.name, *subject.conditions); err != nil {
			return nil, err
		}
	}
	key, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write row conditions: %w", err)
	}
	if len(key) > maxRowsBytes {
		return nil, fault.Input("rows", "The conditions are longer than %d bytes as JSON.", maxRowsBytes)
	}
	return &Rows{string(key), postgres.Rows{
		Events: compile(c.Events), People: compile(c.People), Accounts: compile(c.Accounts),
	}}, nil
}

// ParseRows reads conditions from JSON, as Key writes them; null is none. What it does not
// know it refuses.
func ParseRows(text []byte) (*Rows, error) {
	if text = bytes.TrimSpace(text); len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	if len(text) > 2*maxRowsBytes {
		return nil, fault.Input("rows", "The conditions are longer than %d bytes as JSON.", maxRowsBytes)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	d.UseNumber()
	var c Conditions
	if err := d.Decode(&c); err != nil {
		return nil, fault.Input("rows", "These are not row conditions.").Because(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fault.Input("rows", "Something follows after the row conditions.")
	}
	return NewRows(c)
}

// Key is the conditions as JSON, in the one way that equal ones are written in; none of no
// Rows. Two callers of one key see the same rows.
func (r *Rows) Key() string {
	if r == nil {
		return ""
	}
	return r.key
}

// narrowing is what transactions are narrowed by; nil: by nothing.
func (r *Rows) narrowing() *postgres.Rows {
	if r == nil {
		return nil
	}
	return &r.compiled
}

// Conditions gives what the rows were made of.
func (r *Rows) Conditions() (c Conditions) {
	if r == nil {
		return c
	}
	d := json.NewDecoder(strings.NewReader(r.key))
	d.UseNumber()
	_ = d.Decode(&c) // it was written by us
	return c
}

// canonicalConditions checks a subject's conditions and brings them into one order.
func canonicalConditions(subject string, list []Condition) ([]Condition, error) {
	list = slices.Clone(list)
	for i := range list {
		field := fmt.Sprintf("rows.%s[%d]", subject, i)
		if err := list[i].check(subject, field); err != nil {
			return nil, err
		}
		in, err := canonicalValues(list[i], field+".in")
		if err != nil {
			return nil, err
		}
		list[i].In = in
	}
	slices.SortFunc(list, func(a, b Condition) int { return strings.Compare(a.text(), b.text()) })
	return slices.CompactFunc(list, func(a, b Condition) bool { return a.text() == b.text() }), nil
}

func (c Condition) text() string {
	text, _ := json.Marshal(c) // strings, numbers and truth values can be written
	return string(text)
}

// check holds what a condition is about against what the subject has.
func (c Condition) check(subject, field string) error {
	property, trait, group := c.Property != nil, c.Trait != "", c.Group != ""
	about := 0
	for _, given := range []bool{property, trait, group} {
		if given {
			about++
		}
	}
	fits := map[string]bool{"events": property || group, "people": trait, "accounts": trait || group}[subject]
	if about != 1 || !fits {
		return fault.Input(field, "A condition on %s is about %s.", subject,
			map[string]string{"events": "either a property or a group", "people": "a trait", "accounts": "either a trait or a group"}[subject])
	}
	if len(c.Property) > maxPath || property && len(c.Property) == 0 {
		return fault.Input(field+".property", "A path has 1 to %d names.", maxPath)
	}
	for _, name := range slices.Concat(c.Property, []string{c.Trait + c.Group}) {
		if !keepable(name) {
			return fault.Input(field, "A name has at most %d characters that can be kept.", maxText)
		}
	}
	return nil
}

// keepable reports whether a text is short and can be in what is stored.
func keepable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0) && utf8.RuneCountInString(text) <= maxText
}

func canonicalValues(c Condition, field string) ([]any, error) {
	if len(c.In) < 1 || len(c.In) > maxValues {
		return nil, fault.Input(field, "Between 1 and %d values are needed.", maxValues)
	}
	in := slices.Clone(c.In)
	for i, value := range in {
		if _, text := value.(string); c.Group != "" && !text {
			return nil, fault.Input(fmt.Sprintf("%s[%d]", field, i), "The id of a group is a string.")
		}
		made, ok := canonicalValue(value)
		if !ok {
			return nil, fault.Input(fmt.Sprintf("%s[%d]", field, i),
				"A value is a string of at most %d characters, a number of at most 30 digits before and after the point and without an exponent, true or false.", maxText)
		}
		in[i] = made
	}
	slices.SortFunc(in, func(a, b any) int { return strings.Compare(literal(a), literal(b)) })
	return slices.Compact(in), nil
}

// canonicalValue takes what decoders of JSON give for a scalar.
func canonicalValue(value any) (any, bool) {
	switch v := value.(type) {
	case string:
		return v, keepable(v)
	case bool:
		return v, true
	case json.Number:
		return v, plainNumber.MatchString(v.String())
	case int, int64, float64:
		text, err := json.Marshal(v)
		return json.Number(text), err == nil && plainNumber.Match(text)
	}
	return nil, false
}

// conditionable are the permissions to read what row conditions can narrow.
var conditionable = Of(ReadMetrics, Read, ReadPII, ReadRevenue)

// Conditionable refuses row conditions beside permissions that they could not narrow: who
// sends, sets up or manages does so for all of the tenant.
func Conditionable(set Permissions) error {
	if set&^conditionable != 0 {
		return fault.Input("rows", "Row conditions go with the permissions %s alone.", joined(conditionable))
	}
	return nil
}

func joined(set Permissions) string {
	var names []string
	for _, p := range set.List() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}
