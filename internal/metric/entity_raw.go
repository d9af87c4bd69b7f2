package metric

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

type (
	rawListParams = dbsqlc.MeasureUsersListParams
	// rawListed is what every statement gives that lists: rows of one shape under several names.
	rawListed = dbsqlc.MeasureUsersListRow
)

// list lists whom the measure counts, where it counts somebody.
func (m Measure) list(ctx context.Context, db dbsqlc.DBTX, g Grid, _ string, page Page) ([]Listing, error) {
	if m.route(g) == byPresence {
		return listActiveUsers(ctx, db, g, page)
	}
	filter := both(m.Filter, g.Filter)
	p, some, err := g.listParams(filter, m.Types, page)
	if err != nil || !some {
		return g.noListings(), err
	}
	g.noteTraits(ctx, filter)
	p.Activity, p.People = m.Types == nil, m.Aggregation == UniqueUsers
	if m.Aggregation == UniqueAccounts {
		return g.listings(page)(listedOf(dbsqlc.New().MeasureAccountsList(ctx, db, dbsqlc.MeasureAccountsListParams(p))))
	}
	return g.listings(page)(dbsqlc.New().MeasureUsersList(ctx, db, p))
}

// listNewUsers lists whom readNewUsers counts.
func listNewUsers(ctx context.Context, db dbsqlc.DBTX, g Grid, _ string, page Page) ([]Listing, error) {
	if g.Plain() {
		return listBorn(ctx, db, g, page)
	}
	p, some, err := g.listParams(g.Filter, nil, page)
	if err != nil || !some {
		return g.noListings(), err
	}
	g.noteTraits(ctx, g.Filter)
	g.noteLife(ctx)
	p.Activity, p.People, p.RangeFrom = true, true, earliest
	return g.listings(page)(listedOf(dbsqlc.New().MeasureNewUsersList(ctx, db, dbsqlc.MeasureNewUsersListParams(p))))
}

// listParams are those of a grid's table, and the page.
func (g Grid) listParams(filter *Filter, types []string, page Page) (rawListParams, bool, error) {
	p, some, err := g.rawParams(filter, types)
	return rawListParams{
		After: page.After, Most: int64(page.First) + 1, OnlyKeys: p.OnlyKeys, ButKeys: p.ButKeys,
		RangeFrom: p.RangeFrom, RangeTo: p.RangeTo, Edges: p.Edges, Places: p.Places, Types: p.Types,
		AsOf: p.AsOf, OfProperties: p.OfProperties, OfAll: p.OfAll, Parts: p.Parts, Kinds: p.Kinds,
		Paths: p.Paths, Traits: p.Traits, Accounts: p.Accounts, Cohorts: p.Cohorts,
	}, some, err
}

func listedOf[Row ~struct {
	Keys  []byte
	Total pgtype.Int8
	ID    pgtype.Int8
}](rows []Row, err error) ([]rawListed, error) {
	list := make([]rawListed, len(rows))
	for i, r := range rows {
		list[i] = rawListed(r)
	}
	return list, err
}

// noListings are those of groups that nobody is in.
func (g Grid) noListings() []Listing { return make([]Listing, max(1, len(g.Only))) }

// listings makes the pages of the grid's groups of what a statement gave.
func (g Grid) listings(page Page) func(rows []rawListed, err error) ([]Listing, error) {
	return func(rows []rawListed, err error) ([]Listing, error) {
		lists := g.noListings()
		if err != nil {
			return lists, fmt.Errorf("list whom events were done by: %w", err)
		}
		at := places(g.Only)
		for _, r := range rows {
			keys, err := g.keys(rawCell{Keys: r.Keys})
			if err != nil {
				return lists, err
			}
			l := &lists[0]
			if len(g.Only) > 0 {
				l = &lists[at[groupKey(keys)]]
			}
			l.add(listed{r.Total.Int64, r.ID.Int64}, page)
		}
		return lists, nil
	}
}
