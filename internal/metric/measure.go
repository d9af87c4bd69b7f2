package metric

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Aggregation is what is made of the events of a measure.
type Aggregation string

// The aggregations, as in the schema's enum Aggregation.
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

var aggregations = []Aggregation{Count, UniqueUsers, UniqueAccounts, Sum, Average, Minimum, Maximum, Percentile}

// AllAggregations lists the aggregations in the order of the schema.
func AllAggregations() []Aggregation { return slices.Clone(aggregations) }

// Measure is something read of events: which events, and what of them.
type Measure struct {
	Types       []string // nil: all
	Filter      *Filter  // nil: none; besides the grid's own
	Aggregation Aggregation
	Property    string  // of the last five; dots lead into objects
	Percentile  float64 // above 0 and below 1
}

// Check says what is wrong with a measure, by the name of the field.
func (m Measure) Check() error {
	switch {
	case len(m.Types) > maxTypes:
		return fault.Input("types", "At most %d types are allowed.", maxTypes)
	case !slices.Contains(aggregations, m.Aggregation):
		return fault.Input("aggregation", "There is no such aggregation.")
	case m.Aggregation != Count || m.Filter != nil:
		return fault.Input("aggregation", "Only events can be counted, without a filter.")
	}
	return nil
}

// Reader reads the measure into the column "value".
func (m Measure) Reader() *Reader {
	types, _ := json.Marshal(m.Types)
	return &Reader{
		Name: "count of " + string(types), Columns: []string{"value"}, Adds: []string{"value"},
		Read: func(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
			t, err := countEventsOf(m.Types).read(ctx, db, g, "value")
			t.Exact = g.Exact()
			return t, err
		},
	}
}
