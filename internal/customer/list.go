package customer

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Order is what a list of people or accounts is sorted by.
type Order string

// The orders, as in the schema's enum CustomerOrder.
const (
	ByRelevance Order = "RELEVANCE" // how well they fit what is searched for
	ByName      Order = "NAME"
	ByFirstSeen Order = "FIRST_SEEN"
	ByLastSeen  Order = "LAST_SEEN"
	ByMRR       Order = "MRR"    // accounts alone
	ByHealth    Order = "HEALTH" // as well
)

// Direction is which way a list is sorted.
type Direction string

// The directions.
const (
	Ascending  Direction = "ASCENDING"
	Descending Direction = "DESCENDING"
)

// ListQuery asks for a part of a list of people or accounts.
type ListQuery struct {
	Search    string
	Order     Order     // empty: by relevance if something is searched for, else what the list begins with
	Direction Direction // empty: the one that is natural for the order
	First     int
	After     *Spot
	Worth     map[string]float64 // of minor units in each currency, to add them up by
}

// Spot is where somebody stands in a list. Of the rest that is set which the order sorts by;
// nothing is for those who have nothing to be sorted by.
type Spot struct {
	ID     int64
	Score  float64
	Number *int64
	Word   *string
}

// Listed is somebody in a list.
type Listed[T any] struct {
	Item T
	Spot
}

// maxSearch is how many characters may be searched for: nothing longer is kept of a spelling.
const maxSearch = 200

// settle fills in what was not said, and refuses what cannot be.
func (q *ListQuery) settle(who access.Principal, of topic.Subject, first Order) (err error) {
	if err := CheckFirst(q.First); err != nil {
		return err
	}
	if q.Search, err = checkSearch(who, of, q.Search); err != nil {
		return err
	}
	if q.Order == "" {
		if q.Order = first; q.Search != "" {
			q.Order = ByRelevance
		}
	}
	if err := q.checkOrder(who, of); err != nil {
		return err
	}
	if q.Direction == "" {
		if q.Direction = Descending; q.Order == ByName {
			q.Direction = Ascending
		}
	}
	return nil
}

func (q *ListQuery) checkOrder(who access.Principal, of topic.Subject) error {
	switch {
	case q.Order == ByRelevance && q.Search == "":
		return fault.Input("orderBy", "Only what is searched for can be sorted by relevance.")
	case q.Order == ByRelevance && q.Direction == Ascending:
		return fault.Input("direction", "By relevance the best comes first.")
	case q.Order == ByMRR && of != topic.Account:
		return fault.Input("orderBy", "People have no MRR.")
	case q.Order == ByHealth && of != topic.Account:
		return fault.Input("orderBy", "Health is of accounts.")
	case q.Order == ByMRR && !who.May(access.ReadRevenue):
		return access.Lacking(access.ReadRevenue)
	case q.Order == ByName && of == topic.Person && !who.May(access.ReadPII):
		return access.Lacking(access.ReadPII)
	}
	return nil
}

// checkSearch takes what can be searched for. Whoever finds people by what they are called
// learns who they are.
func checkSearch(who access.Principal, of topic.Subject, search string) (string, error) {
	search = strings.TrimSpace(search)
	if search == "" {
		return "", nil
	}
	if of == topic.Person && !who.May(access.ReadPII) {
		return "", access.Lacking(access.ReadPII)
	}
	if utf8.RuneCountInString(search) > maxSearch || !Sendable(search) {
		return "", fault.Input("search", "At most %d characters are searched for, and none that cannot be kept.", maxSearch)
	}
	return search, nil
}

// noteList says that an answer depends on who there is, and on what they are sorted by.
func noteList(ctx context.Context, who access.Principal, of topic.Subject, q ListQuery) {
	note(ctx, who, of, nil)
	switch q.Order {
	case ByMRR:
		topic.Note(ctx, topic.All(who.Tenant, topic.Revenue))
	case ByHealth:
		topic.Note(ctx, topic.All(who.Tenant, topic.Health))
	case ByLastSeen:
		topic.Note(ctx, topic.All(who.Tenant, topic.Day))
	}
}

// list reads a part of a list. One more than is asked for tells whether more follow.
func list[T any](ctx context.Context, s *Service, of topic.Subject, first Order, q ListQuery,
	read func(tx pgx.Tx, q ListQuery, personal bool) ([]Listed[T], error),
) (page Page[Listed[T]], err error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return page, err
	}
	if err := q.settle(who, of, first); err != nil {
		return page, err
	}
	noteList(ctx, who, of, q)
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		items, err := read(tx, q, who.May(access.ReadPII))
		if err != nil {
			return fmt.Errorf("list %ss by %s: %w", of, q.Order, err)
		}
		for _, item := range items {
			page.Add(item, q.First)
		}
		return nil
	})
	return page, err
}

// count tells how many a list has on all pages.
func (s *Service) count(ctx context.Context, of topic.Subject, search string, read func(tx pgx.Tx, search string, personal bool) (int64, error)) (n int, err error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return 0, err
	}
	if search, err = checkSearch(who, of, search); err != nil {
		return 0, err
	}
	note(ctx, who, of, nil)
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		found, err := read(tx, search, who.May(access.ReadPII))
		n = int(found)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count %ss: %w", of, err)
	}
	return n, nil
}

// numbered is a place among numbers; -1 is none.
func numbered(id, number int64) Spot {
	if number < 0 {
		return Spot{ID: id}
	}
	return Spot{ID: id, Number: &number}
}
