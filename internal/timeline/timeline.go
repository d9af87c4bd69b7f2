package timeline

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Cursor is where an entry stands: by instant, the latest first, then by kind, and then by its
// key, the greatest first. The zero one is the beginning.
type Cursor struct {
	At   time.Time
	Rank int // the place of its kind among the kinds; behind all of them: before the instant
	Key  string
}

// Ask is what pages have in common that are read together.
type Ask struct {
	Of    identity.Subject
	First int
	After Cursor
	Filter
}

// Page is a part of one customer's timeline.
type Page struct {
	Entries []any // of the types of entries
	Cursors []Cursor
	More    bool
	// Searched is how far back everything was looked through, where that was too much for a page.
	Searched *time.Time
	End      Cursor
}

// Service tells timelines.
type Service struct{ app *postgres.App }

// NewService makes the service.
func NewService(app *postgres.App) *Service { return &Service{app} }

const (
	maxTypes = 100
	// allLooks is how much is looked through for the pages that are read together: looks at
	// presence, of which a quarter hour of events counts as fifty.
	allLooks   = 100_000
	leastLooks = 2_000 // for each of them
)

var beginning, end = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), calendar.Never

func (a Ask) check() error {
	if err := customer.CheckFirst(a.First); err != nil {
		return err
	}
	if len(a.Types) > maxTypes {
		return fault.Input("filter.types", "At most %d types are allowed.", maxTypes)
	}
	for _, t := range a.Types {
		if !customer.Sendable(t) {
			return fault.Input("filter.types", "This is no type of an event.")
		}
	}
	if a.From != nil && a.To != nil && !a.From.Before(*a.To) {
		return fault.Input("filter.to", "It ends before it begins.")
	}
	return nil
}

// bound is where a source is read from and until; of the keys that is set which it sorts by.
type bound struct {
	since, before time.Time
	key           string // empty: before all of that instant
	first         int
	looks         int
}

func (a Ask) bound(rank, customers int) bound {
	b := bound{since: beginning, before: end, first: a.First, looks: max(leastLooks, allLooks/max(customers, 1))}
	switch {
	case a.After == Cursor{}:
	case a.After.Rank < rank: // of its instant all are still to come
		b.before = a.After.At.Add(time.Microsecond)
	case a.After.Rank > rank:
		b.before = a.After.At
	default:
		b.before, b.key = a.After.At, a.After.Key
	}
	if a.To != nil && a.To.Before(b.before) {
		b.before, b.key = *a.To, ""
	}
	if a.From != nil {
		b.since = *a.From
	}
	return b
}

func (b bound) most() int64 { return int64(b.first) + 1 }

// found is what the sources have of one customer.
type found struct {
	lists    [][]placed
	searched *time.Time
}

// placed is an entry with its place.
type placed struct {
	entry any
	Cursor
}

// Pages gives a page of the timeline of each of several customers.
func (s *Service) Pages(ctx context.Context, ids []int64, ask Ask) (map[int64]Page, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	if err := ask.check(); err != nil {
		return nil, err
	}
	of := topic.Person
	if ask.Of == identity.OfAccount {
		of = topic.Account
	}
	customer.Watch(ctx, who, of, ids)
	all := make(map[int64]*found, len(ids))
	for _, id := range ids {
		all[id] = &found{}
	}
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		for _, src := range sources {
			if !src.given(who, ask) {
				continue
			}
			if src.topic != "" {
				topic.Note(ctx, topic.All(who.Tenant, src.topic))
			}
			rank := slices.Index(kinds, src.kind)
			r := reading{tx: tx, who: who, ids: ids, ask: ask, bound: ask.bound(rank, len(ids)), rank: rank, all: all, lists: map[int64][]placed{}}
			if err := src.read(ctx, &r); err != nil {
				return fmt.Errorf("read %ss of timelines: %w", src.kind, err)
			}
			r.gather()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	pages := make(map[int64]Page, len(ids))
	for id, f := range all {
		pages[id] = f.page(ask.First)
	}
	return pages, nil
}

// reading is one source being read for all customers.
type reading struct {
	bound
	tx    pgx.Tx
	who   access.Principal
	ids   []int64
	ask   Ask
	rank  int
	all   map[int64]*found
	lists map[int64][]placed
}

func (r *reading) kind() Kind { return kinds[r.rank] }

// add takes in an entry; they come in their order.
func (r *reading) add(of int64, at time.Time, key string, make func(Entry) any) {
	at = at.UTC()
	r.lists[of] = append(r.lists[of], placed{make(Entry{At: at, Kind: r.kind(), Key: key}), Cursor{at, r.rank, key}})
}

// stopped says how far back the source was looked through for a customer.
func (r *reading) stopped(of int64, at time.Time) {
	at = at.UTC()
	r.all[of].searched = &at
}

func (r *reading) gather() {
	for of, list := range r.lists {
		r.all[of].lists = append(r.all[of].lists, list)
	}
}

// page puts the sources' entries into one order. What lies before the instant to which all was
// looked through is left for the next page.
func (f *found) page(first int) (p Page) {
	var all []placed
	for _, list := range f.lists {
		all = append(all, list...)
	}
	// Within a source they are in order, and between two the kind decides.
	slices.SortStableFunc(all, func(a, b placed) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Rank, b.Rank))
	})
	if f.searched != nil {
		all = slices.DeleteFunc(all, func(e placed) bool { return e.At.Before(*f.searched) })
	}
	p.More = len(all) > first || f.searched != nil
	for _, e := range all[:min(first, len(all))] {
		p.Entries, p.Cursors = append(p.Entries, e.entry), append(p.Cursors, e.Cursor)
	}
	switch {
	case f.searched != nil && len(all) <= first:
		p.Searched, p.End = f.searched, Cursor{At: *f.searched, Rank: len(kinds)}
	case len(p.Cursors) > 0:
		p.End = p.Cursors[len(p.Cursors)-1]
	}
	return p
}

// leastNumber stands before all numbers of things.
const leastNumber = math.MinInt64
