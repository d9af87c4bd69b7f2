package metric

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// listed is what every listing query gives: rows of one shape under several names. There is
// one more than the page has, if there is more.
type listed struct {
	Total    int64
	PersonID int64
}

// listingOf makes a page of what a listing query gives, each entity counting one.
func listingOf[Row ~struct {
	Total    int64
	PersonID int64
}](rows []Row, page Page) []Listing {
	var l Listing
	for _, row := range rows {
		l.add(listed(row), page)
	}
	return []Listing{l}
}

// add adds what a row tells: somebody on the page, that there are more, or the total alone.
func (l *Listing) add(r listed, page Page) {
	l.Total, l.Sum = int(r.Total), float64(r.Total)
	switch {
	case r.PersonID == 0: // none behind the last
	case len(l.Entities) == page.First:
		l.More = true
	default:
		l.Entities = append(l.Entities, Entity{ID: r.PersonID, Amount: 1})
	}
}

// listActiveUsers lists whom countActiveUsers counts.
func listActiveUsers(ctx context.Context, db dbsqlc.DBTX, g Grid, page Page) ([]Listing, error) {
	c := g.kept()
	days, slots, raw := listsOf(c.days), listsOf(c.slots), listsOf(c.raw)
	rows, err := dbsqlc.New().PresenceList(ctx, db, dbsqlc.PresenceListParams{
		Days: days.days, MaskDays: slots.days, Masks: masksOf(c.slots), RawStarts: raw.starts, RawEnds: raw.ends,
		After: page.After, Most: int64(page.First) + 1,
	})
	return listingOf(rows, page), err
}

// listBorn lists whom countNewUsers counts.
func listBorn(ctx context.Context, db dbsqlc.DBTX, g Grid, page Page) ([]Listing, error) {
	rows, err := dbsqlc.New().IdentityNewList(ctx, db, dbsqlc.IdentityNewListParams{
		RangeFrom: g.Buckets[0].Start, RangeTo: g.Buckets[0].End, After: page.After, Most: int64(page.First) + 1,
	})
	return listingOf(rows, page), err
}
