package revenue

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

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
		quotes, err := quotesOf(ctx, tx, today)
		worth = worthOf(NewRates(quotes), settings.Currency, today)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("weigh currencies of %s: %w", who.Tenant, err)
	}
	return worth, nil
}

func quotesOf(ctx context.Context, tx pgx.Tx, day calendar.Date) (quotes []Quote, err error) {
	rows, err := dbsqlc.New().FxRateListOfRange(ctx, tx, dbsqlc.FxRateListOfRangeParams{
		Currencies: slices.Sorted(maps.Keys(exponents)), KnownAt: never, First: day, Last: day,
	})
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		rate, err := parseRate(r.Rate)
		if err != nil {
			return nil, err
		}
		quotes = append(quotes, Quote{r.Day, r.Base, r.Currency, rate})
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
