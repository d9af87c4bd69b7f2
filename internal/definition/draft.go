package definition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// Draft is what a metric is to be.
type Draft struct {
	Name        string
	Description string
	Unit        metric.Unit // empty: the one of what is counted
	Direction   metric.Direction
	Events      *metric.Measure // either this,
	Formula     *string         // or this
}

// problems lists what is wrong with a draft by itself, by the names of the fields.
func (d Draft) problems() (list []error) {
	for _, err := range []error{
		checkText("input.name", d.Name, 1, maxName),
		checkText("input.description", d.Description, 0, maxDescription),
		d.checkSource(),
	} {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}

func checkText(field, text string, least, most int) error {
	if n := utf8.RuneCountInString(text); n < least || n > most || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return fault.Input(field, "A text of %d to %d characters is needed.", least, most)
	}
	return nil
}

func (d Draft) checkSource() error {
	if (d.Events == nil) == (d.Formula == nil) {
		return fault.Input("input", "Exactly one is needed: events or formula.")
	}
	if d.Events == nil {
		return nil // the book reads formulas
	}
	if err := d.Events.Check(); err != nil {
		if f, is := fault.Of(err); is {
			return f.In("input.events." + f.Field)
		}
		return err
	}
	if d.Unit == metric.UnitMoney {
		return fault.Input("input.unit", "Nothing says which currency a property is in. Use NUMBER.")
	}
	return nil
}

// kept is a draft as it is stored, and as it is given to createMetric.
type kept struct {
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Unit        metric.Unit      `json:"unit"`
	Direction   metric.Direction `json:"direction"`
	Events      *keptMeasure     `json:"events,omitempty"`
	Formula     *string          `json:"formula,omitempty"`
}

type keptMeasure struct {
	Types       []string           `json:"types,omitempty"`
	Filter      *keptFilter        `json:"filter,omitempty"`
	Aggregation metric.Aggregation `json:"aggregation"`
	Property    string             `json:"property,omitempty"`
	Percentile  float64            `json:"percentile,omitempty"`
}

type keptFilter struct {
	And       []keptFilter    `json:"and,omitempty"`
	Or        []keptFilter    `json:"or,omitempty"`
	Not       *keptFilter     `json:"not,omitempty"`
	Dimension *keptDimension  `json:"dimension,omitempty"`
	Operator  metric.Operator `json:"operator,omitempty"`
	Values    []any           `json:"values,omitempty"`
}

type keptDimension struct {
	Kind metric.DimensionKind `json:"kind"`
	Name string               `json:"name,omitempty"`
}

// write gives the stored form of a draft.
func (d Draft) write() ([]byte, error) {
	k := kept{d.Name, d.Description, d.Unit, d.Direction, nil, d.Formula}
	if m := d.Events; m != nil {
		k.Events = &keptMeasure{m.Types, keep(m.Filter), m.Aggregation, m.Property, m.Percentile}
	}
	text, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("write definition: %w", err)
	}
	if len(text) > maxBytes {
		return nil, fault.Input("input", "A definition has at most %d bytes as JSON.", maxBytes)
	}
	return text, nil
}

// readDraft reads the stored form.
func readDraft(text []byte) (d Draft, err error) {
	var k kept
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // a filter's numbers stay as they were written
	if err := decoder.Decode(&k); err != nil {
		return d, fmt.Errorf("read definition: %w", err)
	}
	d = Draft{k.Name, k.Description, k.Unit, k.Direction, nil, k.Formula}
	if m := k.Events; m != nil {
		d.Events = &metric.Measure{Types: m.Types, Filter: m.Filter.filter(), Aggregation: m.Aggregation, Property: m.Property, Percentile: m.Percentile}
	}
	return d, nil
}

func keep(f *metric.Filter) *keptFilter {
	if f == nil {
		return nil
	}
	k := &keptFilter{Not: keep(f.Not)}
	for i := range f.And {
		k.And = append(k.And, *keep(&f.And[i]))
	}
	for i := range f.Or {
		k.Or = append(k.Or, *keep(&f.Or[i]))
	}
	if c := f.Is; c != nil {
		k.Dimension, k.Operator, k.Values = &keptDimension{c.Dimension.Kind, c.Dimension.Name}, c.Operator, c.Values
	}
	return k
}

func (k *keptFilter) filter() *metric.Filter {
	if k == nil {
		return nil
	}
	f := &metric.Filter{Not: k.Not.filter()}
	for i := range k.And {
		f.And = append(f.And, *k.And[i].filter())
	}
	for i := range k.Or {
		f.Or = append(f.Or, *k.Or[i].filter())
	}
	if k.Dimension != nil {
		f.Is = &metric.Condition{Dimension: metric.Dimension{Kind: k.Dimension.Kind, Name: k.Dimension.Name}, Operator: k.Operator, Values: k.Values}
	}
	return f
}

// Personal reports whether a version compares traits of users, and so shows what is known of them.
func (v Version) Personal() (bool, error) {
	d, err := readDraft(v.Definition)
	return d.Events != nil && personal(d.Events.Filter), err
}

// toldOf is what the audit log has of a definition: what a filter compares with may be known of
// a tenant's users.
func toldOf(text []byte) any {
	d, err := readDraft(text)
	if err != nil {
		return nil
	}
	return map[string]string{"name": d.Name, "counts": d.words()}
}
