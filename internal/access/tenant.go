package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// CreateTenant makes a tenant whose days are those of the zone, for good.
func CreateTenant(ctx context.Context, worker *postgres.Worker, name, zone string, weekStart time.Weekday) (tenant.ID, error) {
	if err := checkName(name); err != nil {
		return tenant.None, err
	}
	if weekStart < time.Sunday || weekStart > time.Saturday {
		return tenant.None, fault.Input("weekStart", "A week starts on one of its seven days.")
	}
	if _, err := calendar.LoadZone(zone); err != nil {
		return tenant.None, err
	}
	id, err := tenant.New()
	if err != nil {
		return tenant.None, err
	}
	err = worker.InTx(ctx, func(tx pgx.Tx) error {
		err := dbsqlc.New().TenantCreate(ctx, tx, dbsqlc.TenantCreateParams{
			TenantID: id, Name: name, Zone: zone, WeekStart: int16(weekStart),
		})
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.TenantCreated, Target: tenantTarget(id), Tenant: id,
			After: map[string]any{"name": name, "zone": zone, "weekStart": weekStart.String()},
		})
	})
	if err != nil {
		return tenant.None, fmt.Errorf("create tenant: %w", err)
	}
	return id, nil
}

func tenantTarget(id tenant.ID) audit.Target { return audit.Target{Type: "tenant", ID: id.String()} }

// checkName lets a name be what people can read and PostgreSQL can keep.
func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > 200 {
		return fault.Input("name", "A name of 1 to 200 characters is needed.")
	}
	if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return fault.Input("name", "The name has a character that cannot be kept.")
	}
	return nil
}

// Tenants lists all tenants, the oldest first.
func Tenants(ctx context.Context, worker *postgres.Worker) (tenants []dbsqlc.TenantListRow, err error) {
	err = worker.InTx(ctx, func(tx pgx.Tx) error {
		tenants, err = dbsqlc.New().TenantList(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list tenants: %w", err)
	}
	return tenants, nil
}

// Settings reads a tenant's own.
type Settings struct{ app *postgres.App }

// NewSettings makes the reader.
func NewSettings(app *postgres.App) *Settings { return &Settings{app} }

// Current gives the settings of the tenant that asks.
func (s *Settings) Current(ctx context.Context) (t dbsqlc.TenantGetRow, err error) {
	who, err := Require(ctx, Read)
	if err != nil {
		return t, err
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Tenant, ""))
	err = s.app.ReadOnce(ctx, who.Tenant, func(tx pgx.Tx) error {
		t, err = dbsqlc.New().TenantGet(ctx, tx)
		return err
	})
	if err != nil {
		return t, fmt.Errorf("read tenant: %w", err)
	}
	return t, nil
}

// The bounds of a retention, in whole months before the running one. The least is longer
// than message ids are remembered, so what a sender may repeat is still there.
const (
	MinEventRetention = 1
	MaxEventRetention = 1200
)

func checkRetention(months *int) (pgtype.Int4, error) {
	if months == nil {
		return pgtype.Int4{}, nil
	}
	if *months < MinEventRetention || *months > MaxEventRetention {
		return pgtype.Int4{}, fault.Input("months", "Between %d and %d months are allowed, or null to keep events for ever.", MinEventRetention, MaxEventRetention)
	}
	return pgtype.Int4{Int32: int32(*months), Valid: true}, nil
}

// SetEventRetention says for how many whole months before the running one the raw events of
// the tenant that asks stay in the database; nil: for ever.
func (s *Settings) SetEventRetention(ctx context.Context, months *int) (t dbsqlc.TenantGetRow, err error) {
	who, err := Require(ctx, ManageTenant)
	if err != nil {
		return t, err
	}
	retention, err := checkRetention(months)
	if err != nil {
		return t, err
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		before, err := dbsqlc.New().TenantSetEventRetention(ctx, tx, retention)
		if err != nil {
			return err
		}
		if t, err = dbsqlc.New().TenantGet(ctx, tx); err != nil {
			return err
		}
		return audit.Write(ctx, tx, retentionEntry(who.Tenant, before, retention))
	})
	if err != nil {
		return t, fmt.Errorf("set retention: %w", err)
	}
	return t, nil
}

func retentionEntry(id tenant.ID, before, after pgtype.Int4) audit.Entry {
	months := func(n pgtype.Int4) any { return map[string]pgtype.Int4{"eventRetentionMonths": n} }
	return audit.Entry{Action: audit.RetentionChanged, Target: tenantTarget(id), Before: months(before), After: months(after), Tenant: id}
}

// SetEventRetention is the same for whoever keeps house.
func SetEventRetention(ctx context.Context, worker *postgres.Worker, id tenant.ID, months *int) error {
	retention, err := checkRetention(months)
	if err != nil {
		return err
	}
	err = worker.InTx(ctx, func(tx pgx.Tx) error {
		before, err := dbsqlc.New().TenantSetEventRetentionOf(ctx, tx, dbsqlc.TenantSetEventRetentionOfParams{Months: retention, TenantID: id})
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoTenant
		}
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, retentionEntry(id, before, retention))
	})
	if err != nil {
		return fmt.Errorf("set retention: %w", err)
	}
	return nil
}

// Suspend shuts a tenant, or opens it again: while it is suspended its keys and members are
// not let in, and what they watch ends.
func Suspend(ctx context.Context, worker *postgres.Worker, id tenant.ID, suspended bool) error {
	action := audit.TenantResumed
	if suspended {
		action = audit.TenantSuspended
	}
	err := worker.InTx(ctx, func(tx pgx.Tx) error {
		found, err := dbsqlc.New().TenantSuspend(ctx, tx, dbsqlc.TenantSuspendParams{Suspended: suspended, TenantID: id})
		if err != nil {
			return err
		}
		if found == 0 {
			return errNoTenant
		}
		return audit.Write(ctx, tx, audit.Entry{Action: action, Target: tenantTarget(id), Tenant: id})
	})
	if err != nil {
		return fmt.Errorf("suspend tenant: %w", err)
	}
	return nil
}

var errNoTenant = fault.New(fault.NotFound, "There is no such tenant.").In("tenant")
