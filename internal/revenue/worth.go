package revenue

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Worth tells what a minor unit of each currency is worth today in minor units of the tenant's,
// to sort by what is paid in several. Currencies without a rate are not there.
func (s *Service) Worth(ctx context.Context) (worth map[string]float64, err error) {
	who, err := access.Require(ctx, access.ReadRevenue)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, func(tx pgx.Tx) error {
		settings, err := dbsqlc.New().RevenueSettings(ctx, tx)
		if err != nil {
			return err
		}
		zone, err := calendar.LoadZone(settings.Zone)
		if err != nil {
			return err
		}
		today := zone.DateOf(settings.Clock)
		topic.NoteUntil(ctx, zone.StartOf(today+1)) // another day may have other rates
		quotes, err := quotesOf(ctx, tx, slices.Sorted(maps.Keys(exponents)), never, today, today)
		worth = worthOf(NewRates(quotes), settings.Currency, today)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("weigh currencies of %s: %w", who.Tenant, err)
	}
	return worth, nil
}

// quotesOf reads the quotes between some currencies that count on some days, as they were known at
// an instant. A currency needs none for itself.
func quotesOf(ctx context.Context, db dbsqlc.DBTX, currencies []string, known time.Time, first, last calendar.Date) ([]Quote, error) {
	if len(currencies) == 1 {
		return nil, nil
	}
	rows, err := dbsqlc.New().FxRateListOfRange(ctx, db, dbsqlc.FxRateListOfRangeParams{Currencies: currencies, KnownAt: known, First: first, Last: last})
	if err != nil {
		return nil, fmt.Errorf("read rates: %w", err)
	}
	quotes := make([]Quote, len(rows))
	for i, q := range rows {
		rate, err := parseRate(q.Rate)
		if err != nil {
			return nil, err
		}
		quotes[i] = Quote{q.Day, q.Base, q.Currency, rate}
	}
	return quotes, nil
}

func worthOf(rates *Rates, home string, day calendar.Date) map[string]float64 {
	worth := map[string]float64{home: 1}
	for currency := range exponents {
		if rate := rates.rate(currency, home, day); rate != nil && currency != home {
			rate = new(big.Rat).Mul(rate, scale(exponents[home]-exponents[currency]))
			worth[currency], _ = rate.Float64()
		}
	}
	return worth
}
