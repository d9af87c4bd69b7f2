package testkit

import "github.com/tidemarkhq/tidemark/internal/metric"

// AllEntities asks for all that a cell is made of, where that is less than a page.
var AllEntities = metric.ListAsk{Page: metric.Page{First: 500}}

// Listing is what was listed of a cell, beside its figure.
type Listing struct {
	What  string // what part of the answer it is
	Value *float64
	Lists metric.Lists
}

// Listings are the cells of an answer that list: of a series that of one bucket.
func Listings(a metric.Answer, bucket int) (cells []Listing) {
	switch {
	case a.Value != nil:
		return []Listing{{"value", a.Value.Value, a.Value.Lists}}
	case a.Series != nil:
		return []Listing{{"bucket", a.Series.Values[bucket], a.Series.Lists}}
	}
	for _, r := range a.Breakdown.Rows {
		cells = append(cells, Listing{"row", r.Value, r.Lists})
	}
	if r := a.Breakdown.Rest; r != nil {
		cells = append(cells, Listing{"rest", r.Value, r.Lists})
	}
	return append(cells, Listing{"total", a.Breakdown.Total.Value, a.Breakdown.Total.Lists})
}
