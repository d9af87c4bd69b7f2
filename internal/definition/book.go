package definition

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/formula"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// book is the definitions of a tenant that hold at an instant, or those of them that are needed.
type book struct {
	catalog *metric.Catalog
	entries map[string]*entry
}

type entry struct {
	Draft
	key     string
	version int // 0: not saved
	text    []byte
	formula *formula.Formula // nil: of events
}

// uses are the metrics that the entry's formula names.
func (e *entry) uses() []string {
	if e.formula == nil {
		return []string{}
	}
	return e.formula.Names()
}

// countsAs reports whether two entries count the same, whatever they are called.
func (e *entry) countsAs(other *entry) bool {
	if e.formula != nil && other.formula != nil {
		return e.formula.String() == other.formula.String()
	}
	return e.formula == nil && other.formula == nil && reflect.DeepEqual(e.Events, other.Events)
}

func newEntry(key string, version int, text []byte) (*entry, error) {
	d, err := readDraft(text)
	if err != nil {
		return nil, err
	}
	e := &entry{Draft: d, key: key, version: version, text: text}
	if d.Formula != nil {
		e.formula, err = formula.Parse(*d.Formula)
	}
	return e, err
}

func readBook(ctx context.Context, db dbsqlc.DBTX, catalog *metric.Catalog) (book, error) {
	b := book{catalog, map[string]*entry{}}
	rows, err := dbsqlc.New().MetricDefinitionList(ctx, db)
	if err != nil {
		return b, fmt.Errorf("read definitions: %w", err)
	}
	for _, r := range rows {
		if b.entries[r.Key], err = newEntry(r.Key, int(r.Version), r.Definition); err != nil {
			return b, fmt.Errorf("read definition of %s: %w", r.Key, err)
		}
	}
	return b, nil
}

// put writes a draft into the book in place of what was there, its formula in the one form.
func (b book) put(key string, d Draft) ([]byte, error) {
	if d.Formula != nil {
		f, err := formula.Parse(*d.Formula)
		if err != nil {
			return nil, inFormula(err)
		}
		text := f.String()
		d.Formula = &text
	}
	text, err := d.write()
	if err != nil {
		return nil, err
	}
	b.entries[key], err = newEntry(key, 0, text)
	return text, err
}

// inFormula names the field of the input.
func inFormula(err error) error {
	if f, is := fault.Of(err); is {
		return f.In("input.formula")
	}
	return err
}

// madeOf lists the metrics whose formulas name one.
func (b book) madeOf(key string) []string {
	var by []string
	for _, e := range b.entries {
		if slices.Contains(e.uses(), key) {
			by = append(by, e.key)
		}
	}
	slices.Sort(by)
	return by
}

// dependents lists the metrics that are made of one, over however many steps.
func (b book) dependents(key string) []string {
	found := map[string]bool{}
	for open := []string{key}; len(open) > 0; open = open[1:] {
		for _, by := range b.madeOf(open[0]) {
			if !found[by] && by != key {
				found[by] = true
				open = append(open, by)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// checkAll says which metric cannot be made any more of another one as it is now.
func (b book) checkAll(keys []string, of string) error {
	for _, key := range keys {
		if _, err := b.define(key); err != nil {
			f, is := fault.Of(err)
			if !is {
				return err
			}
			return fault.Input("input", "The metric %s is made of %s, and could not be any more: %s", key, of, f.Message)
		}
	}
	return nil
}

// define makes a metric of an entry.
func (b book) define(key string) (*metric.Definition, error) {
	p := &program{book: b, at: map[string]int{}}
	if _, err := p.place(key); err != nil {
		return nil, err
	}
	e := b.entries[key]
	if e.formula == nil {
		return p.slots[0].leaf, nil
	}
	d := e.definition()
	for _, s := range p.slots {
		if s.leaf != nil {
			d.Parts = append(d.Parts, s.leaf)
			d.Needs = append(d.Needs, s.leaf.Needs...)
		}
	}
	d.Calc, d.Additive = p.calc, p.adds()
	var err error
	if d.Permission, err = strongest(d.Parts); err != nil {
		return nil, err
	}
	if d.Unit == metric.UnitMoney && !slices.ContainsFunc(d.Parts, func(part *metric.Definition) bool { return part.Unit == metric.UnitMoney }) {
		return nil, fault.Input("input.unit", "It is made of no metric that is MONEY.")
	}
	return d, nil
}

// definition is what formulas and counts of events have in common.
func (e *entry) definition() *metric.Definition {
	return &metric.Definition{
		Key: e.key, Name: e.Name, Description: e.Description, Formula: e.words(), Unit: e.unit(), Direction: e.Direction,
		Version: e.version, Custom: true, Permission: access.ReadMetrics,
	}
}

// measured makes a metric of an entry that counts events.
func (e *entry) measured() *metric.Definition {
	d, reader := e.definition(), e.Events.Reader()
	d.Needs = []metric.Column{{Reader: reader, Name: "value"}}
	d.Additive = e.Events.Aggregation == metric.Count || e.Events.Aggregation == metric.Sum
	if kind, counted := counted[e.Events.Aggregation]; counted && reader.List != nil {
		d.Entities = &metric.Entities{Kind: kind, Column: d.Needs[0]}
	}
	if personal(e.Events.Filter) {
		d.Permission = access.ReadPII
	}
	return d
}

// counted are the entities that an aggregation counts.
var counted = map[metric.Aggregation]metric.EntityKind{metric.UniqueUsers: metric.People, metric.UniqueAccounts: metric.Accounts}

// personal reports whether a filter is about who the tenant's users are.
func personal(f *metric.Filter) bool {
	if f == nil {
		return false
	}
	any := func(list []metric.Filter) bool {
		return slices.ContainsFunc(list, func(f metric.Filter) bool { return personal(&f) })
	}
	return f.Is != nil && f.Is.Dimension.Kind == metric.ByUserTrait || personal(f.Not) || any(f.And) || any(f.Or)
}

// strongest is what asking for a formula takes: what its parts take, besides READ_METRICS.
func strongest(parts []*metric.Definition) (access.Permission, error) {
	takes := access.ReadMetrics
	for _, part := range parts {
		switch {
		case part.Permission == access.ReadMetrics || part.Permission == takes:
		case takes == access.ReadMetrics:
			takes = part.Permission
		default:
			return takes, fault.Input("input.formula", "Some of it takes %s and some %s. A metric takes one of them.", takes, part.Permission)
		}
	}
	return takes, nil
}

// program works a formula out, and all that it is made of, each once for a cell however often
// it comes.
type program struct {
	book
	slots []slot
	at    map[string]int // where a metric's figure is
	path  []string       // of the formulas that are being placed
	width int            // of the columns
}

// slot is a figure to be worked out: of a leaf from its columns, of a formula from other slots.
type slot struct {
	leaf    *metric.Definition
	column  int // the first of the leaf's
	formula *formula.Formula
	from    []int
}

// place finds the slot of a metric, after those of what it is made of.
func (p *program) place(key string) (int, error) {
	if i, placed := p.at[key]; placed {
		return i, nil
	}
	if i := slices.Index(p.path, key); i >= 0 {
		return 0, fault.Input("input.formula", "It would be made of itself: %s.", strings.Join(append(p.path[i:], key), " -> "))
	}
	s, err := p.slot(key)
	if err != nil {
		return 0, err
	}
	if len(p.slots) == maxParts {
		return 0, fault.Input("input.formula", "A metric is made of at most %d others.", maxParts-1)
	}
	p.slots, p.at[key] = append(p.slots, s), len(p.slots)
	return p.at[key], nil
}

func (p *program) slot(key string) (slot, error) {
	leaf, _ := p.catalog.Find(key)
	if e := p.entries[key]; leaf == nil && e != nil {
		if e.formula != nil {
			return p.formula(e)
		}
		leaf = e.measured()
	}
	if leaf == nil {
		return slot{}, fault.Input("input.formula", "There is no metric %q.", key)
	}
	s := slot{leaf: leaf, column: p.width}
	p.width += len(leaf.Needs)
	return s, nil
}

func (p *program) formula(e *entry) (slot, error) {
	if len(p.path) == maxLevels {
		return slot{}, fault.Input("input.formula", "Formulas are made of formulas over at most %d levels.", maxLevels)
	}
	if len(e.uses()) == 0 {
		return slot{}, fault.Input("input.formula", "It names no metric.")
	}
	p.path = append(p.path, e.key)
	s := slot{formula: e.formula}
	for _, name := range e.uses() {
		i, err := p.place(name)
		if err != nil {
			return s, err
		}
		s.from = append(s.from, i)
	}
	p.path = p.path[:len(p.path)-1]
	return s, nil
}

// adds reports whether buckets of the last slot add up.
func (p *program) adds() bool {
	for _, s := range p.slots {
		if s.leaf != nil && !s.leaf.Additive || s.formula != nil && !s.formula.Adds() {
			return false
		}
	}
	return true
}
