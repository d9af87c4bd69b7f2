package revenue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// MRROfAccounts gives what each account comes to a month at the transaction's instant, in one
// currency, by the rates of that day. An account that has no entry comes to nothing. It also
// tells when the next of these changes by itself, if that is known.
func MRROfAccounts(ctx context.Context, db dbsqlc.DBTX, currency string, now time.Time, today calendar.Date) (map[int64]int64, *time.Time, error) {
	rows, err := dbsqlc.New().MrrOfAllAccounts(ctx, db)
	if err != nil {
		return nil, nil, fmt.Errorf("read MRR of accounts: %w", err)
	}
	rates, err := ratesOf(ctx, db, rows, currency, now, today)
	if err != nil {
		return nil, nil, err
	}
	standing := make(map[int64]int64, len(rows))
	for _, r := range rows {
		factor, err := rates.factor(r.Currency, currency, today)
		if err != nil {
			return nil, nil, err
		}
		standing[r.AccountID] += factor.convert(r.Amount)
	}
	next, err := dbsqlc.New().RevenueNextChange(ctx, db, now)
	if err != nil {
		return nil, nil, fmt.Errorf("read next change of revenue: %w", err)
	}
	if !next.Before(never) {
		return standing, nil, nil
	}
	return standing, &next, nil
}

// ratesOf reads the rates of a day by which MRR becomes one of a currency.
func ratesOf(ctx context.Context, db dbsqlc.DBTX, rows []dbsqlc.MrrOfAllAccountsRow, currency string, now time.Time, today calendar.Date) (*Rates, error) {
	currencies := []string{currency}
	for _, r := range rows {
		if !slices.Contains(currencies, r.Currency) {
			currencies = append(currencies, r.Currency)
		}
	}
	if len(currencies) == 1 {
		return NewRates(nil), nil
	}
	found, err := dbsqlc.New().FxRateListOfRange(ctx, db, dbsqlc.FxRateListOfRangeParams{Currencies: currencies, KnownAt: now, First: today, Last: today})
	if err != nil {
		return nil, fmt.Errorf("read rates: %w", err)
	}
	quotes := make([]Quote, len(found))
	for i, q := range found {
		rate, err := parseRate(q.Rate)
		if err != nil {
			return nil, err
		}
		quotes[i] = Quote{q.Day, q.Base, q.Currency, rate}
	}
	return NewRates(quotes), nil
}
