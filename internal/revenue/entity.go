package revenue

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Figures that are made of customers, and are no column of a fold.
const (
	annual      = "annual"
	netMovement = "net_movement"
)

// weights say how often each column of a customer counts in them.
var weights = map[string]map[int]int64{
	annual:      {colEnd: 12},
	netMovement: {colNew: 1, colExpansion: 1, colReactivation: 1, colContraction: -1, colChurn: -1},
}

// contribution is what a customer adds to a figure.
func contribution(figure string, c *[foldColumns]int64) (sum int64) {
	of, made := weights[figure]
	if !made {
		return c[slices.Index(columns[:], figure)]
	}
	for column, weight := range of {
		sum += weight * c[column]
	}
	return sum
}

// listCustomers lists the accounts that a figure is made of: it folds what readMovements folds,
// customer by customer. All money is rounded leaf by leaf, so what they come to adds up to what
// all of them come to.
func listCustomers(ctx context.Context, db dbsqlc.DBTX, g metric.Grid, figure string, page metric.Page) ([]metric.Listing, error) {
	s := sightOf(g)
	from, to := span(g.Buckets)
	all, err := s.gather(ctx, db, from, to)
	if err != nil {
		return nil, err
	}
	lists := all.sorter.lists()
	for account, own := range all.customers() {
		var places []int // of the groups that they are in
		f := all.fold(s)
		f.group = func(account int64, leaf Leaf) int {
			place := all.sorter.group(account, leaf)
			if place >= 0 && !slices.Contains(places, place) {
				places = append(places, place)
			}
			return slices.Index(places, place)
		}
		if err := f.run(own.opening, own.rows, g.Buckets); err != nil {
			return nil, err
		}
		for i, cells := range f.cells {
			if amount := contribution(figure, &cells[0]); amount != 0 {
				lists[places[i]].Add(metric.Entity{ID: account, Amount: float64(amount)}, page)
			}
		}
	}
	return lists, nil
}

// customers parts what was read by account, in the order of their numbers. What an account did
// stays in the order of time.
func (r reading) customers() iter.Seq2[int64, reading] {
	byAccount := func(a, b row) int { return cmp.Compare(a.account, b.account) }
	opening, rows := slices.Clone(r.opening), slices.Clone(r.rows)
	slices.SortStableFunc(opening, byAccount)
	slices.SortStableFunc(rows, byAccount)
	return func(yield func(int64, reading) bool) {
		for len(opening)+len(rows) > 0 {
			account := least(opening, rows)
			var own reading
			own.opening, opening = cut(opening, account)
			own.rows, rows = cut(rows, account)
			if !yield(account, own) {
				return
			}
		}
	}
}

// least is the first account of two lists, one of which has any.
func least(a, b []row) int64 {
	if len(a) == 0 || len(b) > 0 && b[0].account < a[0].account {
		return b[0].account
	}
	return a[0].account
}

// cut parts an account's rows, with which the list may begin, from those of all others.
func cut(rows []row, account int64) (own, others []row) {
	n := 0
	for n < len(rows) && rows[n].account == account {
		n++
	}
	return rows[:n], rows[n:]
}

// listTrials lists the subscriptions whose trials began, each with how many of its did.
func listTrials(ctx context.Context, db dbsqlc.DBTX, g metric.Grid, _ string, page metric.Page) ([]metric.Listing, error) {
	tried, err := sightOf(g).trials(ctx, db)
	if err != nil {
		return nil, err
	}
	lists := tried.sorter.lists()
	begun := make([]map[int64]float64, len(lists))
	for _, t := range tried.list {
		place := tried.sorter.group(t.AccountID, Leaf{t.SubscriptionID, t.PlanID, t.Currency})
		if place < 0 || t.StartedAt.Before(tried.from) || !t.StartedAt.Before(tried.to) {
			continue
		}
		if begun[place] == nil {
			begun[place] = map[int64]float64{}
		}
		begun[place][t.SubscriptionID]++
	}
	for place := range lists {
		for _, id := range slices.Sorted(maps.Keys(begun[place])) {
			lists[place].Add(metric.Entity{ID: id, Amount: begun[place][id]}, page)
		}
	}
	return lists, nil
}

// lists are those of the groups that are asked for, in their order: from now on that is where
// the sorter puts them.
func (s *sorter) lists() []metric.Listing {
	s.groups = slices.Clone(s.grid.Only)
	for i, group := range s.groups {
		s.places[groupKey(group)] = i
	}
	return make([]metric.Listing, max(1, len(s.groups)))
}
