package health

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Cause is why an account came into another band.
type Cause string

// The causes, as in the schema's enum HealthCause.
const (
	ByData     Cause = "DATA"
	ByModel    Cause = "MODEL"    // another model counts
	ByOverride Cause = "OVERRIDE" // one was set, or has ended
)

// AllCauses lists the causes in the order of the schema.
func AllCauses() []Cause { return []Cause{ByData, ByModel, ByOverride} }

// Change is an account's coming into another band; nil is none.
type Change struct {
	ID      int64
	Account int64
	Time    time.Time
	From    *Band
	To      *Band
	Score   *Tenths
	Cause   Cause
}

// ChangePlace is where a change stands in a list; the zero one is the beginning.
type ChangePlace struct {
	At time.Time
	ID int64
}

// ChangeAsk asks for a part of the changes of bands.
type ChangeAsk struct {
	Account *int64 // nil: of all
	Into    []Band // nil: any
	First   int
	After   ChangePlace
}

func readBand(text string) *Band {
	if text == "" {
		return nil
	}
	band := Band(text)
	return &band
}

func changeOf(r dbsqlc.HealthChangePageRow) Change {
	return Change{r.ChangeID, r.AccountID, r.At.UTC(), readBand(r.Was), readBand(r.Band), scoreOf(r.Score), Cause(r.Cause)}
}

// Changes lists who came into other bands, the latest first.
func (s *Service) Changes(ctx context.Context, ask ChangeAsk) (page customer.Page[Change], err error) {
	p, err := ask.params()
	if err != nil {
		return page, err
	}
	var of []int64
	if ask.Account != nil {
		of = []int64{*ask.Account}
	}
	err = s.read(ctx, of, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().HealthChangePage(ctx, tx, p)
		for _, r := range rows {
			page.Add(changeOf(r), ask.First)
		}
		if err != nil {
			return fmt.Errorf("list changes of health: %w", err)
		}
		return nil
	})
	return page, err
}

func (a ChangeAsk) params() (p dbsqlc.HealthChangePageParams, err error) {
	if err := customer.CheckFirst(a.First); err != nil {
		return p, err
	}
	p = dbsqlc.HealthChangePageParams{BeforeAt: calendar.Never, BeforeID: math.MaxInt64, Most: int64(a.First) + 1}
	if a.Account != nil {
		p.AccountID = pgtype.Int8{Int64: *a.Account, Valid: true}
	}
	if a.After != (ChangePlace{}) {
		p.BeforeAt, p.BeforeID = a.After.At, a.After.ID
	}
	if a.Into != nil {
		p.Bands = []string{}
	}
	for _, band := range a.Into {
		if !slices.Contains(AllBands(), band) {
			return p, fault.Input("into", "There is no such band.")
		}
		p.Bands = append(p.Bands, string(band))
	}
	return p, nil
}

// ChangesByID gives changes by their numbers.
func (s *Service) ChangesByID(ctx context.Context, ids []int64) (map[int64]Change, error) {
	changes := make(map[int64]Change, len(ids))
	err := s.read(ctx, nil, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().HealthChangeListByIDs(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read changes of health: %w", err)
		}
		for _, r := range rows {
			changes[r.ChangeID] = changeOf(dbsqlc.HealthChangePageRow(r))
		}
		return nil
	})
	return changes, err
}
