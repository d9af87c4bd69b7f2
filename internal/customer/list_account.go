package customer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// ListAccounts gives a part of the list of accounts, by name unless another order is asked for.
func (s *Service) ListAccounts(ctx context.Context, q ListQuery) (Page[Listed[Account]], error) {
	return list(ctx, s, topic.Account, ByName, q, func(tx pgx.Tx, q ListQuery, personal bool) ([]Listed[Account], error) {
		switch q.Order {
		case ByRelevance:
			return accountsByRelevance(ctx, tx, q, personal)
		case ByName:
			return accountsByName(ctx, tx, q, personal)
		}
		return accountsByNumber(ctx, tx, q, personal)
	})
}

// CountAccounts tells how many accounts such a list has.
func (s *Service) CountAccounts(ctx context.Context, search string) (int, error) {
	return s.count(ctx, topic.Account, search, func(tx pgx.Tx, search string, personal bool) (int64, error) {
		return dbsqlc.New().AccountCount(ctx, tx, dbsqlc.AccountCountParams{Search: search, Personal: personal})
	})
}

func listedAccount(id int64, groupType, groupID string, seen time.Time, at Spot) Listed[Account] {
	return Listed[Account]{Account{id, groupType, groupID, seen}, at}
}

func accountsByRelevance(ctx context.Context, tx pgx.Tx, q ListQuery, personal bool) (items []Listed[Account], err error) {
	after, continued := q.after()
	rows, err := dbsqlc.New().AccountPageByRelevance(ctx, tx, dbsqlc.AccountPageByRelevanceParams{
		Search: q.Search, Personal: personal, Continued: continued, AfterScore: after.Score, AfterWord: after.Word, AfterID: after.ID, Most: q.most(),
	})
	for _, r := range rows {
		items = append(items, listedAccount(r.AccountID, r.GroupType, r.GroupID, r.FirstSeenAt, Spot{ID: r.AccountID, Score: r.Score, Word: r.Word}))
	}
	return items, err
}

func accountsByName(ctx context.Context, tx pgx.Tx, q ListQuery, personal bool) (items []Listed[Account], err error) {
	after, continued := q.after()
	p := dbsqlc.AccountPageByNameParams{Search: q.Search, Personal: personal, Continued: continued, AfterWord: after.Word, AfterID: after.ID, Most: q.most()}
	var rows []dbsqlc.AccountPageByNameRow
	if q.Direction == Ascending {
		rows, err = dbsqlc.New().AccountPageByName(ctx, tx, p)
	} else {
		found, wrong := dbsqlc.New().AccountPageByNameDown(ctx, tx, dbsqlc.AccountPageByNameDownParams(p))
		rows, err = turned(found, func(r dbsqlc.AccountPageByNameDownRow) dbsqlc.AccountPageByNameRow {
			return dbsqlc.AccountPageByNameRow(r)
		}), wrong
	}
	for _, r := range rows {
		items = append(items, listedAccount(r.AccountID, r.GroupType, r.GroupID, r.FirstSeenAt, Spot{ID: r.AccountID, Word: r.Word}))
	}
	return items, err
}

func accountsByNumber(ctx context.Context, tx pgx.Tx, q ListQuery, personal bool) (items []Listed[Account], err error) {
	after, continued := q.after()
	p := dbsqlc.AccountPageByFirstSeenParams{
		Search: q.Search, Personal: personal, Continued: continued, AfterNumber: after.number(), AfterID: after.ID, Most: q.most(), Sign: q.sign(),
	}
	var rows []dbsqlc.AccountPageByFirstSeenRow
	switch q.Order {
	case ByLastSeen:
		found, wrong := dbsqlc.New().AccountPageByLastSeen(ctx, tx, dbsqlc.AccountPageByLastSeenParams(p))
		rows, err = turned(found, func(r dbsqlc.AccountPageByLastSeenRow) dbsqlc.AccountPageByFirstSeenRow {
			return dbsqlc.AccountPageByFirstSeenRow(r)
		}), wrong
	case ByMRR:
		found, wrong := dbsqlc.New().AccountPageByMrr(ctx, tx, byMRR(q, p))
		rows, err = turned(found, func(r dbsqlc.AccountPageByMrrRow) dbsqlc.AccountPageByFirstSeenRow {
			return dbsqlc.AccountPageByFirstSeenRow(r)
		}), wrong
	case ByHealth:
		found, wrong := dbsqlc.New().AccountPageByHealth(ctx, tx, dbsqlc.AccountPageByHealthParams(p))
		rows, err = turned(found, func(r dbsqlc.AccountPageByHealthRow) dbsqlc.AccountPageByFirstSeenRow {
			return dbsqlc.AccountPageByFirstSeenRow(r)
		}), wrong
	default:
		rows, err = dbsqlc.New().AccountPageByFirstSeen(ctx, tx, p)
	}
	for _, r := range rows {
		items = append(items, listedAccount(r.AccountID, r.GroupType, r.GroupID, r.FirstSeenAt, numbered(r.AccountID, r.Number)))
	}
	return items, err
}

func byMRR(q ListQuery, p dbsqlc.AccountPageByFirstSeenParams) dbsqlc.AccountPageByMrrParams {
	m := dbsqlc.AccountPageByMrrParams{
		Search: p.Search, Personal: p.Personal, Continued: p.Continued, AfterNumber: p.AfterNumber, AfterID: p.AfterID, Most: p.Most, Sign: p.Sign,
		Currencies: []string{}, Factors: []float64{},
	}
	for currency, factor := range q.Worth {
		m.Currencies, m.Factors = append(m.Currencies, currency), append(m.Factors, factor)
	}
	return m
}

// after is where the page begins, and whether it is not at the beginning.
func (q ListQuery) after() (Spot, bool) {
	if q.After == nil {
		return Spot{}, false
	}
	return *q.After, true
}

func (q ListQuery) most() int64 { return int64(q.First) + 1 }

// sign turns numbers round for a list that goes down.
func (q ListQuery) sign() int64 {
	if q.Direction == Descending {
		return -1
	}
	return 1
}

func (p Spot) number() pgtype.Int8 {
	if p.Number == nil {
		return pgtype.Int8{}
	}
	return pgtype.Int8{Int64: *p.Number, Valid: true}
}

// turned makes rows of one statement into those of another of the same shape.
func turned[R, T any](rows []R, turn func(R) T) []T {
	made := make([]T, len(rows))
	for i, r := range rows {
		made[i] = turn(r)
	}
	return made
}
