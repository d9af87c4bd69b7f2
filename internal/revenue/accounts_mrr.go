package revenue

import (
	"context"
	"fmt"
	"slices"
	"sync"
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
	next, err := NextChange(ctx, db, &now)
	return standing, next, err
}

// ratesOf reads the rates of a day by which MRR becomes one of a currency.
func ratesOf(ctx context.Context, db dbsqlc.DBTX, rows []dbsqlc.MrrOfAllAccountsRow, currency string, now time.Time, today calendar.Date) (*Rates, error) {
	currencies := []string{currency}
	for _, r := range rows {
		if !slices.Contains(currencies, r.Currency) {
			currencies = append(currencies, r.Currency)
		}
	}
	return ratesBetween(ctx, db, currencies, now, today, today)
}

// ratesBetween reads the rates between some currencies on some days, as they are known at an
// instant.
func ratesBetween(ctx context.Context, db dbsqlc.DBTX, currencies []string, now time.Time, first, last calendar.Date) (*Rates, error) {
	quotes, err := quotesOf(ctx, db, currencies, now, first, last)
	return NewRates(quotes), err
}

// Standings tell what accounts came to a month at any instant, in one currency, by the rates of
// that day.
type Standings struct {
	currency string
	home     calendar.Zone
	steps    map[int64][]stride // of each account, in order
	rates    *Rates
	mu       sync.Mutex // held by whoever converts: what was converted is remembered
	problem  error
}

// stride is by how much an account came to more or less from an instant on.
type stride struct {
	at       time.Time
	currency string
	amount   int64
}

// StandingsOf reads how what accounts come to has changed, as it is known now, to be asked of
// instants from a day on.
func StandingsOf(ctx context.Context, db dbsqlc.DBTX, currency string, now time.Time, home calendar.Zone, from calendar.Date) (*Standings, error) {
	rows, err := dbsqlc.New().MrrStepsOfAllAccounts(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read how MRR has changed: %w", err)
	}
	s := &Standings{currency: currency, home: home, steps: map[int64][]stride{}}
	currencies := []string{currency}
	for _, r := range rows {
		s.steps[r.AccountID] = append(s.steps[r.AccountID], stride{r.At, r.Currency, r.Amount})
		if !slices.Contains(currencies, r.Currency) {
			currencies = append(currencies, r.Currency)
		}
	}
	const ahead = 2 // what is ahead of us is believed a day
	s.rates, err = ratesBetween(ctx, db, currencies, now, from, home.DateOf(now)+ahead)
	return s, err
}

// At is what an account came to at an instant, in minor units. Where a rate is missing it is 0, and
// Problem says so.
func (s *Standings) At(account int64, at time.Time) int64 {
	byCurrency := map[string]int64{}
	for _, step := range s.steps[account] {
		if step.at.After(at) {
			break
		}
		byCurrency[step.currency] += step.amount
	}
	total := int64(0)
	for currency, amount := range byCurrency {
		if amount != 0 {
			total += s.convert(currency, amount, s.home.DateOf(at))
		}
	}
	return total
}

func (s *Standings) convert(currency string, amount int64, day calendar.Date) int64 {
	if currency == s.currency {
		return amount
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	factor, err := s.rates.factor(currency, s.currency, day)
	if err != nil {
		s.problem = err
		return 0
	}
	return factor.convert(amount)
}

// Problem is why something could not be converted; nil if all could.
func (s *Standings) Problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}
