package revenue

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// pagesOf reads a page of a list of each of several accounts. One more than is asked for tells
// whether more follow.
func pagesOf[T any](ctx context.Context, s *Service, first int, account func(T) int64, read func(tx pgx.Tx, most int64) ([]T, error)) (map[int64]customer.Page[T], error) {
	if err := customer.CheckFirst(first); err != nil {
		return nil, err
	}
	pages := map[int64]customer.Page[T]{}
	err := s.read(ctx, func(tx pgx.Tx) error {
		items, err := read(tx, int64(first)+1)
		for _, item := range items {
			page := pages[account(item)]
			page.Add(item, first)
			pages[account(item)] = page
		}
		return err
	})
	return pages, err
}

// PlanOf tells which plan each account pays most for now.
func (s *Service) PlanOf(ctx context.Context, accounts []int64) (map[int64]int64, error) {
	plans := make(map[int64]int64, len(accounts))
	err := s.read(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().PlanOfAccounts(ctx, tx, accounts)
		for _, r := range rows {
			plans[r.AccountID] = r.PlanID
		}
		if err != nil {
			return err
		}
		return NoteNextChange(ctx, tx, nil)
	})
	return plans, err
}

// InvoicePages gives a page of the invoices of each account, the latest made first.
func (s *Service) InvoicePages(ctx context.Context, accounts []int64, first int, before int64) (map[int64]customer.Page[Invoice], error) {
	if before == 0 {
		before = maxNumber
	}
	return pagesOf(ctx, s, first, func(i Invoice) int64 { return i.Account }, func(tx pgx.Tx, most int64) (items []Invoice, err error) {
		rows, err := dbsqlc.New().InvoicePageOfAccounts(ctx, tx, dbsqlc.InvoicePageOfAccountsParams{AccountIds: accounts, BeforeID: before, Most: most})
		for _, r := range rows {
			i, err := toInvoice(dbsqlc.InvoicePageRow(r))
			if err != nil {
				return nil, err
			}
			items = append(items, i)
		}
		return items, err
	})
}

// MovementPages gives a page of the movements of each account, the latest first; after the zero
// place, from the latest.
func (s *Service) MovementPages(ctx context.Context, accounts []int64, first int, after Place) (map[int64]customer.Page[Moved], error) {
	if after == (Place{}) {
		after.At = never
	}
	return pagesOf(ctx, s, first, func(m Moved) int64 { return m.Account }, func(tx pgx.Tx, most int64) ([]Moved, error) {
		rows, err := dbsqlc.New().MrrMovementPageOfAccounts(ctx, tx, dbsqlc.MrrMovementPageOfAccountsParams{
			AccountIds: accounts, AfterAt: after.At, AfterID: after.ID, Most: most,
		})
		return each(rows, err, func(r dbsqlc.MrrMovementPageOfAccountsRow) Moved { return toMoved(dbsqlc.MrrMovementPageRow(r)) })
	})
}

// maxNumber stands behind all numbers of things.
const maxNumber = 1<<63 - 1
