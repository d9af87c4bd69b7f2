package metric

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// EntityKind is what a figure is a number of, where that can be listed.
type EntityKind string

// The kinds, as in the schema's enum MetricEntityKind.
const (
	People        EntityKind = "PERSON"
	Accounts      EntityKind = "ACCOUNT"
	Subscriptions EntityKind = "SUBSCRIPTION"
)

// AllEntityKinds lists the kinds in the order of the schema.
func AllEntityKinds() []EntityKind { return []EntityKind{People, Accounts, Subscriptions} }

// Entities say what the entities behind a metric's figures are.
type Entities struct {
	Kind   EntityKind
	Column Column // whose reader lists them, by this name of its own
}

// Lister lists the entities that a column is made of, in the order of their numbers. The grid
// has a single bucket, and the lists are those of its groups: of Only, in that order, or else
// a single one.
type Lister func(ctx context.Context, db dbsqlc.DBTX, g Grid, column string, page Page) ([]Listing, error)

// Page is a part of a list: as many as First, behind the number After.
type Page struct {
	First int
	After int64
}

// Listing is a page of entities, and what all of them come to.
type Listing struct {
	Kind     EntityKind
	Entities []Entity
	More     bool
	Total    int
	Sum      float64 // of the amounts: the figure
	Problem  error   // why it cannot be told, as its figure cannot
}

// Add counts one of all entities, which come in the order of their numbers. It is on the page
// if it belongs there.
func (l *Listing) Add(e Entity, page Page) {
	l.Total, l.Sum = l.Total+1, l.Sum+e.Amount
	switch {
	case e.ID <= page.After:
	case len(l.Entities) == page.First:
		l.More = true
	default:
		l.Entities = append(l.Entities, e)
	}
}

// Entity is one of those that a figure is made of.
type Entity struct {
	ID     int64
	Amount float64 // what it contributes: 1 to a number of entities
}

// ListAsk asks for a page of the entities of a cell, beside its figure and from the same
// snapshot. Of a series it says which bucket.
type ListAsk struct {
	Page
	At time.Time
}

// Lists are the pages that were asked for of one cell.
type Lists map[ListAsk]*Listing

// maxListed is how many entities one page may have.
const maxListed = 500

// Check lets a page have a reasonable size.
func (p Page) Check() error {
	if p.First < 1 || p.First > maxListed {
		return fault.Input("first", "Between 1 and %d are allowed.", maxListed)
	}
	return nil
}

func (q *Question) checkLists() error {
	for _, l := range q.Lists {
		if q.Of.Entities == nil {
			return fault.Input("entities", "The figures of this metric are not made of anything that can be listed.")
		}
		if err := l.Check(); err != nil {
			return err
		}
	}
	return nil
}

// list asks for the pages of a grid's groups, all groups by one statement. They are there once
// the round has read them.
func (r *round) list(of *Definition, g Grid, asks []ListAsk) []Lists {
	groups := make([]Lists, max(1, len(g.Only)))
	for i := range groups {
		groups[i] = Lists{}
		for _, ask := range asks {
			groups[i][ask] = &Listing{Kind: of.Entities.Kind}
		}
	}
	if !g.Buckets[0].Start.Before(g.Buckets[0].End) { // of nothing there is no figure
		return groups
	}
	for _, ask := range asks {
		reader, column := of.Entities.Column.Reader, of.Entities.Column.Name
		r.listed = append(r.listed, func(ctx context.Context, db dbsqlc.DBTX) error {
			found, err := reader.List(ctx, db, g, column, ask.Page)
			if f, ok := fault.Of(err); ok && f.Code == fault.BadUserInput {
				for i := range groups {
					groups[i][ask].Problem = f
				}
				return nil // the other questions have nothing to do with it
			}
			if err != nil {
				return fmt.Errorf("list %s: %w", reader.Name, err)
			}
			for i := range found {
				found[i].Kind = of.Entities.Kind
				*groups[i][ask] = found[i]
			}
			return nil
		})
	}
	return groups
}

// bucketAt finds the bucket of a series that begins at an instant.
func bucketAt(buckets []calendar.Bucket, at time.Time) (calendar.Bucket, error) {
	for _, b := range buckets {
		if b.Start.Equal(at) {
			return b, nil
		}
	}
	return calendar.Bucket{}, fault.Input("at", "No bucket of this series begins there.")
}
