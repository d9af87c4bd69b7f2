package metric

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Aggregation is what is made of events.
type Aggregation string

// The aggregations. The last five are of a property's numbers.
const (
	Count          Aggregation = "COUNT"
	UniqueUsers    Aggregation = "UNIQUE_USERS"
	UniqueAccounts Aggregation = "UNIQUE_ACCOUNTS"
	Sum            Aggregation = "SUM"
	Average        Aggregation = "AVERAGE"
	Minimum        Aggregation = "MINIMUM"
	Maximum        Aggregation = "MAXIMUM"
	Percentile     Aggregation = "PERCENTILE"
)

var (
	counting = []Aggregation{Count, UniqueUsers, UniqueAccounts}
	numeric  = []Aggregation{Sum, Average, Minimum, Maximum, Percentile}
)

// What events can be told by. A definition that is kept names no cohorts, which come and go.
var (
	definingDimensions = []DimensionKind{ByType, BySource, ByAccount, ByProperty, ByContext, ByUserTrait, ByAccountTrait}
	eventDimensions    = append(definingDimensions[:len(definingDimensions):len(definingDimensions)], ByCohort)
)

// AllAggregations lists the aggregations in the order of the schema.
func AllAggregations() []Aggregation { return slices.Concat(counting, numeric) }

// Measure is something read of events: which events, and what of them.
type Measure struct {
	Types       []string    `json:"types,omitempty"`  // nil: all, and for what is unique all that somebody did
	Filter      *Filter     `json:"filter,omitempty"` // nil: none
	Aggregation Aggregation `json:"aggregation"`
	Property    string      `json:"property,omitempty"`   // whose numbers count; dots lead into objects
	Percentile  float64     `json:"percentile,omitempty"` // 0.5 is the median
}

// Check says what is wrong with a measure, by the name of the field.
func (m Measure) Check() error {
	ofNumbers := slices.Contains(numeric, m.Aggregation)
	switch {
	case !ofNumbers && !slices.Contains(counting, m.Aggregation):
		return fault.Input("aggregation", "There is no such aggregation.")
	case ofNumbers && m.Property == "":
		return fault.Input("property", "%s needs a property whose numbers count.", m.Aggregation)
	case !ofNumbers && m.Property != "":
		return fault.Input("property", "%s takes no property.", m.Aggregation)
	case len(m.Property) > maxName || !keepable(m.Property):
		return fault.Input("property", "A name has at most %d bytes that can be kept.", maxName)
	case m.Aggregation == Percentile && !(m.Percentile > 0 && m.Percentile < 1):
		return fault.Input("percentile", "It lies between 0 and 1: 0.5 is the median.")
	case m.Aggregation != Percentile && m.Percentile != 0:
		return fault.Input("percentile", "%s takes none.", m.Aggregation)
	}
	if err := m.checkTypes(); err != nil {
		return err
	}
	return m.Filter.check(definingDimensions)
}

func (m Measure) checkTypes() error {
	if m.Types != nil && len(m.Types) == 0 || len(m.Types) > maxTypes {
		return fault.Input("types", "Between 1 and %d types are allowed.", maxTypes)
	}
	for i, name := range m.Types {
		if name == "" || len(name) > maxName || !keepable(name) {
			return fault.Input(fmt.Sprintf("types[%d]", i), "A type has between 1 and %d bytes that can be kept.", maxName)
		}
	}
	return nil
}

// measured is the column of every measure.
const measured = "value"

// Reader reads the measure, which has been checked, as the column "value". Readers of equal
// measures have equal names.
func (m Measure) Reader() *Reader {
	if m.Types != nil {
		m.Types = slices.Compact(slices.Sorted(slices.Values(m.Types)))
	}
	r := &Reader{Name: m.name(), Columns: []string{measured}, Dimensions: eventDimensions, History: true, Read: m.read, daily: m.daily}
	r.Null = math.IsNaN(m.absent())
	if m.Aggregation == Count || m.Aggregation == Sum {
		r.Adds = []string{measured}
	}
	if m.Aggregation == UniqueUsers || m.Aggregation == UniqueAccounts {
		r.List = m.list
	}
	return r
}

// Entities are what the measure counts; nil where they cannot be listed.
func (m Measure) Entities(reader *Reader) *Entities {
	switch m.Aggregation {
	case UniqueUsers:
		return &Entities{People, Column{reader, measured}}
	case UniqueAccounts:
		return &Entities{Accounts, Column{reader, measured}}
	}
	return nil
}

// absent is the figure of no events at all.
func (m Measure) absent() float64 {
	switch m.Aggregation {
	case Average, Minimum, Maximum, Percentile:
		return math.NaN()
	}
	return 0
}

func (m Measure) name() string {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Sprintf("measure %p", &m) // shares nothing
	}
	return "measure " + string(text)
}

func (m Measure) read(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	if d := m.daily(g); d != nil {
		return d.read(ctx, db, g, measured)
	}
	if m.route(g) == byRollup {
		return m.readRollups(ctx, db, g)
	}
	return m.readRaw(ctx, db, g)
}

// daily is the way to count by days, or nil if that cannot answer.
func (m Measure) daily(g Grid) *daily {
	switch m.route(g) {
	case byPresence:
		return dailyUsers
	case byRollup:
		if how := planOf(both(m.Filter, g.Filter), m.Types); len(g.By) == 0 && how.all == nil && how.types == nil {
			return dailyEvents
		}
	}
	return nil
}

// Path is what a grid would be read from: closed days and what is added to them, where these
// can answer, and single events where they must. Which days are closed shows when it is read.
func (m Measure) Path(g Grid) Sources {
	if m.route(g) == byEvents {
		return Raw
	}
	c := g.kept()
	s := Sources(0)
	if len(c.days) > 0 {
		s |= Materialized
	}
	return s | c.sources(len(c.days)) | c.sources(0)
}

// route is a way to read a measure.
type route int

const (
	byEvents   route = iota
	byRollup         // counts of types, as they are kept by the quarter hour
	byPresence       // who was there, as it is kept by the day
)

func (m Measure) route(g Grid) route {
	plain := !g.narrowed && !g.asOf
	filter := both(m.Filter, g.Filter)
	switch {
	case plain && m.Aggregation == Count && filter.onlyOf(ByType) && (len(g.By) == 0 || len(g.By) == 1 && g.By[0].Kind == ByType):
		return byRollup
	case plain && m.Aggregation == UniqueUsers && m.Types == nil && filter == nil && len(g.By) == 0:
		return byPresence
	}
	return byEvents
}

// both is what two filters let through; nil lets everything.
func both(a, b *Filter) *Filter {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return &Filter{And: []Filter{*a, *b}}
}

// keepable reports whether a text can be in what is stored.
func keepable(text string) bool {
	return strings.ToValidUTF8(text, "") == text && !strings.ContainsRune(text, 0)
}
