package customer

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// ListPersons gives a part of the list of persons, the newest first unless another order is
// asked for.
func (s *Service) ListPersons(ctx context.Context, q ListQuery) (Page[Listed[Person]], error) {
	return list(ctx, s, topic.Person, ByFirstSeen, q, func(tx pgx.Tx, q ListQuery, _ bool) ([]Listed[Person], error) {
		switch q.Order {
		case ByRelevance:
			return personsByRelevance(ctx, tx, q)
		case ByName:
			return personsByName(ctx, tx, q)
		}
		return personsByNumber(ctx, tx, q)
	})
}

// CountPersons tells how many persons such a list has.
func (s *Service) CountPersons(ctx context.Context, search string) (int, error) {
	return s.count(ctx, topic.Person, search, func(tx pgx.Tx, search string, _ bool) (int64, error) {
		return dbsqlc.New().PersonCount(ctx, tx, search)
	})
}

func personsByRelevance(ctx context.Context, tx pgx.Tx, q ListQuery) (items []Listed[Person], err error) {
	after, continued := q.after()
	rows, err := dbsqlc.New().PersonPageByRelevance(ctx, tx, dbsqlc.PersonPageByRelevanceParams{
		Search: q.Search, Continued: continued, AfterScore: after.Score, AfterWord: after.Word, AfterID: after.ID, Most: q.most(),
	})
	for _, r := range rows {
		items = append(items, Listed[Person]{Person{r.IdentityID, r.BornAt}, Spot{ID: r.IdentityID, Score: r.Score, Word: r.Word}})
	}
	return items, err
}

func personsByName(ctx context.Context, tx pgx.Tx, q ListQuery) (items []Listed[Person], err error) {
	after, continued := q.after()
	p := dbsqlc.PersonPageByNameParams{Search: q.Search, Continued: continued, AfterWord: after.Word, AfterID: after.ID, Most: q.most()}
	var rows []dbsqlc.PersonPageByNameRow
	if q.Direction == Ascending {
		rows, err = dbsqlc.New().PersonPageByName(ctx, tx, p)
	} else {
		found, wrong := dbsqlc.New().PersonPageByNameDown(ctx, tx, dbsqlc.PersonPageByNameDownParams(p))
		rows, err = turned(found, func(r dbsqlc.PersonPageByNameDownRow) dbsqlc.PersonPageByNameRow {
			return dbsqlc.PersonPageByNameRow(r)
		}), wrong
	}
	for _, r := range rows {
		items = append(items, Listed[Person]{Person{r.IdentityID, r.BornAt}, Spot{ID: r.IdentityID, Word: r.Word}})
	}
	return items, err
}

func personsByNumber(ctx context.Context, tx pgx.Tx, q ListQuery) (items []Listed[Person], err error) {
	after, continued := q.after()
	p := dbsqlc.PersonPageByFirstSeenParams{
		Search: q.Search, Continued: continued, AfterNumber: after.number(), AfterID: after.ID, Most: q.most(), Sign: q.sign(),
	}
	var rows []dbsqlc.PersonPageByFirstSeenRow
	if q.Order == ByLastSeen {
		found, wrong := dbsqlc.New().PersonPageByLastSeen(ctx, tx, dbsqlc.PersonPageByLastSeenParams(p))
		rows, err = turned(found, func(r dbsqlc.PersonPageByLastSeenRow) dbsqlc.PersonPageByFirstSeenRow {
			return dbsqlc.PersonPageByFirstSeenRow(r)
		}), wrong
	} else {
		rows, err = dbsqlc.New().PersonPageByFirstSeen(ctx, tx, p)
	}
	for _, r := range rows {
		items = append(items, Listed[Person]{Person{r.IdentityID, r.BornAt}, numbered(r.IdentityID, r.Number)})
	}
	return items, err
}
