// Package quota says what a tenant may spend: what the installation lets every tenant, or
// less where the tenant has asked for less.
package quota

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// How long, and of how many tenants, an answer of the database is believed, and how long it
// has for one. Another server knows of a change after believedFor.
const (
	believedFor     = time.Second
	believedTenants = 10_000
	lookUpWithin    = 2 * time.Second
)

// leastAtOnce is the cost that a caller must be able to spend at once: a tenant that lets
// itself do nothing could not take it back.
const leastAtOnce = 20

// Quota is what a tenant may spend, and where its nights are.
type Quota struct {
	Rates limit.Rates
	Zone  *time.Location
}

// Wish is what a tenant sets; nil is as the installation has it.
type Wish struct {
	ReadPerMinute, WritePerMinute, BurstSeconds, OffPeakPercent, CallerPercent *int
}

// Service reads and sets quotas.
type Service struct {
	app     *postgres.App
	ceiling limit.Rates
	known   *otter.Cache[tenant.ID, Quota]
	logger  *slog.Logger
}

// NewService makes the service. ceiling is what the installation lets every tenant.
func NewService(app *postgres.App, ceiling limit.Rates, logger *slog.Logger) *Service {
	return &Service{app, ceiling, otter.Must(&otter.Options[tenant.ID, Quota]{
		MaximumSize:      believedTenants,
		ExpiryCalculator: otter.ExpiryWriting[tenant.ID, Quota](believedFor),
	}), logger}
}

// Ceiling is what the installation lets every tenant.
func (s *Service) Ceiling() limit.Rates { return s.ceiling }

// Of is a tenant's quota. While the database does not answer it is the installation's: an
// operation that needs the database will fail of itself, and others should not.
func (s *Service) Of(ctx context.Context, id tenant.ID) Quota {
	if q, ok := s.known.GetIfPresent(id); ok {
		return q
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpWithin)
	defer cancel()
	q, err := s.lookUp(ctx, id)
	if err != nil {
		if ctx.Err() == nil {
			s.logger.WarnContext(ctx, "a tenant's limits could not be read; the installation's hold", "error", err)
		}
		q = Quota{Rates: s.ceiling, Zone: time.UTC}
	}
	s.known.Set(id, q)
	return q
}

func (s *Service) lookUp(ctx context.Context, id tenant.ID) (q Quota, err error) {
	var row dbsqlc.TenantLimitGetRow
	err = s.app.Read(postgres.ForHouse(ctx), id, func(tx pgx.Tx) error {
		row, err = dbsqlc.New().TenantLimitGet(ctx, tx)
		return err
	})
	if err != nil {
		return q, fmt.Errorf("read limits: %w", err)
	}
	zone, err := calendar.LoadZone(row.Zone)
	if err != nil {
		return q, fmt.Errorf("read limits: %w", err)
	}
	return Quota{s.within(row), zone.Location()}, nil
}

// within is what a tenant has set, as far as the installation lets it. How the tenant deals
// it out among its callers is its own business.
func (s *Service) within(row dbsqlc.TenantLimitGetRow) limit.Rates {
	r := limit.Rates{
		Read: lower(row.ReadPerMinute, s.ceiling.Read), Write: lower(row.WritePerMinute, s.ceiling.Write),
		BurstSeconds: lower(row.BurstSeconds, s.ceiling.BurstSeconds), OffPeak: lower(row.OffPeakPercent, s.ceiling.OffPeak),
		CallerPercent: s.ceiling.CallerPercent,
	}
	if row.CallerPercent.Valid {
		r.CallerPercent = int(row.CallerPercent.Int32)
	}
	return r
}

// lower is the lesser of what a tenant has set and what it may have; 0 is without a limit.
func lower(own pgtype.Int4, ceiling int) int {
	switch {
	case !own.Valid:
		return ceiling
	case ceiling == 0:
		return int(own.Int32)
	}
	return min(int(own.Int32), ceiling)
}

// Current is the quota of the tenant that asks, as the database has it now.
func (s *Service) Current(ctx context.Context) (q Quota, err error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return q, err
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Tenant, ""))
	return s.lookUp(ctx, who.Tenant)
}

// told is what the audit log keeps of a wish: what is left out is as the installation has it.
func (w Wish) told() map[string]int {
	told := map[string]int{}
	for name, value := range map[string]*int{
		"readPerMinute": w.ReadPerMinute, "writePerMinute": w.WritePerMinute, "burstSeconds": w.BurstSeconds,
		"offPeakPercent": w.OffPeakPercent, "callerPercent": w.CallerPercent,
	} {
		if value != nil {
			told[name] = *value
		}
	}
	return told
}

// Set replaces what the tenant that asks has set. It counts at once here, and on other
// servers within a second.
func (s *Service) Set(ctx context.Context, wish Wish) error {
	who, err := access.Require(ctx, access.ManageTenant)
	if err != nil {
		return err
	}
	params, err := s.check(wish)
	if err != nil {
		return err
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		if err := dbsqlc.New().TenantLimitSet(ctx, tx, params); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.LimitsChanged, Target: audit.Target{Type: "tenant", ID: who.Tenant.String()}, After: wish.told(),
		})
	})
	if err != nil {
		return fmt.Errorf("set limits: %w", err)
	}
	s.known.Invalidate(who.Tenant)
	return nil
}

// check lets a tenant lower its limits, and not so far that nobody could raise them again.
func (s *Service) check(w Wish) (p dbsqlc.TenantLimitSetParams, err error) {
	for _, set := range []struct {
		name  string
		value *int
		least int
		most  int
		into  *pgtype.Int4
	}{
		{"readPerMinute", w.ReadPerMinute, 1, s.ceiling.Read, &p.ReadPerMinute},
		{"writePerMinute", w.WritePerMinute, 1, s.ceiling.Write, &p.WritePerMinute},
		{"burstSeconds", w.BurstSeconds, 1, s.ceiling.BurstSeconds, &p.BurstSeconds},
		{"offPeakPercent", w.OffPeakPercent, 100, s.ceiling.OffPeak, &p.OffPeakPercent},
		{"callerPercent", w.CallerPercent, 1, 100, &p.CallerPercent},
	} {
		if set.value == nil {
			continue
		}
		if set.most == 0 {
			set.most = limit.MaxRate
		}
		if *set.value < set.least || *set.value > set.most {
			return p, fault.Input("limits."+set.name, "Between %d and %d are allowed here.", set.least, set.most)
		}
		*set.into = pgtype.Int4{Int32: int32(*set.value), Valid: true}
	}
	return p, s.checkEnough(p)
}

func (s *Service) checkEnough(p dbsqlc.TenantLimitSetParams) error {
	r := s.within(dbsqlc.TenantLimitGetRow{
		ReadPerMinute: p.ReadPerMinute, WritePerMinute: p.WritePerMinute, BurstSeconds: p.BurstSeconds,
		OffPeakPercent: p.OffPeakPercent, CallerPercent: p.CallerPercent,
	})
	for kind, field := range map[limit.Kind]string{limit.Read: "limits.readPerMinute", limit.Write: "limits.writePerMinute"} {
		if at := r.AtOnce(kind); at >= 0 && at < leastAtOnce {
			return fault.Input(field, "One caller could spend %d at once, and needs %d to change the limits again.", at, leastAtOnce)
		}
	}
	return nil
}
