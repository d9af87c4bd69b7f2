package customer

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// endOfTime stands after every change. Names of traits are text: none sorts behind the time.
var endOfTime = Moment{At: calendar.Never, By: uuid.Max}

// PersonHistories gives a page of what was said of each person, the latest first; before the zero
// moment, from the latest.
func (s *Service) PersonHistories(ctx context.Context, persons []int64, first int, before Moment) (map[int64]Page[Change], error) {
	return s.histories(ctx, topic.Person, persons, first, before, func(tx pgx.Tx, p dbsqlc.TraitChangePageOfPersonsParams) ([]dbsqlc.TraitChangePageOfPersonsRow, error) {
		return dbsqlc.New().TraitChangePageOfPersons(ctx, tx, p)
	})
}

// AccountHistories is PersonHistories of accounts.
func (s *Service) AccountHistories(ctx context.Context, accounts []int64, first int, before Moment) (map[int64]Page[Change], error) {
	return s.histories(ctx, topic.Account, accounts, first, before, func(tx pgx.Tx, p dbsqlc.TraitChangePageOfPersonsParams) (list []dbsqlc.TraitChangePageOfPersonsRow, err error) {
		rows, err := dbsqlc.New().TraitChangePageOfAccounts(ctx, tx, dbsqlc.TraitChangePageOfAccountsParams{
			AccountIds: p.PersonIds, BeforeAt: p.BeforeAt, BeforeName: p.BeforeName, BeforeKey: p.BeforeKey, Most: p.Most,
		})
		for _, r := range rows {
			list = append(list, dbsqlc.TraitChangePageOfPersonsRow(r))
		}
		return list, err
	})
}

// historian reads pages of history.
type historian func(tx pgx.Tx, p dbsqlc.TraitChangePageOfPersonsParams) ([]dbsqlc.TraitChangePageOfPersonsRow, error)

func (s *Service) histories(ctx context.Context, of topic.Subject, ids []int64, first int, before Moment, rows historian) (map[int64]Page[Change], error) {
	if err := CheckFirst(first); err != nil {
		return nil, err
	}
	if before == (Moment{}) {
		before = endOfTime
	}
	pages := make(map[int64]Page[Change], len(ids))
	err := s.read(ctx, of, ids, func(tx pgx.Tx) error {
		list, err := rows(tx, dbsqlc.TraitChangePageOfPersonsParams{
			PersonIds: ids, BeforeAt: before.At, BeforeName: before.Name, BeforeKey: before.By, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read history: %w", err)
		}
		for _, r := range list {
			page := pages[r.OfID]
			page.Add(Change{Moment{r.SaidAt.UTC(), r.Name, r.MessageKey}, r.Value}, first)
			pages[r.OfID] = page
		}
		return nil
	})
	return pages, err
}
