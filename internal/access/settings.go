package access

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/text/currency"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// TenantChange is what is to change of a tenant's settings; nil: nothing.
type TenantChange struct {
	Name      *string
	Zone      *string
	WeekStart *time.Weekday
	Currency  *string
	Branding  *Branding // takes the place of the one before
}

// Branding is what a tenant's dashboards look like; nil: as Tidemark's own.
type Branding struct {
	AppName *string `json:"appName"`
	LogoURL *string `json:"logoUrl"`
	Accent  *string `json:"accent"` // #rrggbb
}

var errZoneFixed = fault.Input("zone", "Events have been counted by the days of the zone that there is, so it cannot be changed any more. A query may name any other.")

// Change changes the settings of the tenant that asks.
func (s *Settings) Change(ctx context.Context, change TenantChange) (now dbsqlc.TenantGetRow, err error) {
	who, err := Require(ctx, ManageTenant)
	if err != nil {
		return now, err
	}
	params, err := change.check()
	if err != nil {
		return now, err
	}
	queries := dbsqlc.New()
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		was, err := queries.TenantGet(ctx, tx)
		if err != nil {
			return err
		}
		if change.Zone != nil {
			if err := mayMove(ctx, tx, *change.Zone); err != nil {
				return err
			}
		}
		if err := queries.TenantChange(ctx, tx, params); err != nil {
			return err
		}
		if now, err = queries.TenantGet(ctx, tx); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.TenantChanged, Target: audit.Target{Type: "tenant", ID: who.Tenant.String()},
			Before: settingsOf(was), After: settingsOf(now),
		})
	})
	if err != nil {
		return now, fmt.Errorf("change tenant: %w", err)
	}
	return now, nil
}

// mayMove refuses another zone once something was counted by the days of this one. Whoever
// writes events waits until the transaction ends.
func mayMove(ctx context.Context, tx pgx.Tx, zone string) error {
	if err := dbsqlc.New().TenantTakeTurn(ctx, tx); err != nil {
		return err
	}
	t, err := dbsqlc.New().TenantZone(ctx, tx)
	if err == nil && t.Counts && t.Zone != zone {
		return errZoneFixed
	}
	return err
}

func (c TenantChange) check() (p dbsqlc.TenantChangeParams, err error) {
	if c.Name != nil {
		if err := checkName(*c.Name); err != nil {
			return p, err
		}
	}
	if c.Zone != nil {
		if _, err := calendar.LoadZone(*c.Zone); err != nil {
			return p, err
		}
	}
	if c.Currency != nil && !currencies()[*c.Currency] {
		return p, fault.Input("currency", "A code of ISO 4217 in capitals is needed, of a currency that is in use, such as EUR.")
	}
	p = dbsqlc.TenantChangeParams{Name: c.Name, Zone: c.Zone, Currency: c.Currency, Rebrand: c.Branding != nil}
	if c.WeekStart != nil {
		p.WeekStart = pgtype.Int2{Int16: int16(*c.WeekStart), Valid: true}
	}
	if c.Branding != nil {
		p.AppName, p.LogoUrl = c.Branding.AppName, c.Branding.LogoURL
		if c.Branding.Accent != nil {
			accent := strings.ToLower(*c.Branding.Accent)
			p.Accent = &accent
		}
		err = c.Branding.check()
	}
	return p, err
}

var accents = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

// check lets nothing through that a page could not show as it is: an address that is no
// https, or a colour that is none.
func (b Branding) check() error {
	if b.AppName != nil && (!keepable(*b.AppName) || *b.AppName == "" || len([]rune(*b.AppName)) > 100) {
		return fault.Input("branding.appName", "A name of 1 to 100 characters is needed.")
	}
	if b.LogoURL != nil && !isHTTPS(*b.LogoURL) {
		return fault.Input("branding.logoUrl", "An https URL of at most 2,000 characters is needed.")
	}
	if b.Accent != nil && !accents.MatchString(*b.Accent) {
		return fault.Input("branding.accent", "A colour of the form #rrggbb is needed.")
	}
	return nil
}

func isHTTPS(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= 2_000 && strings.HasPrefix(text, "https://") && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsAny(text, " \t\"'<>\\")
}

// currencies are the codes of ISO 4217 that are legal tender somewhere today.
var currencies = sync.OnceValue(func() map[string]bool {
	codes := map[string]bool{}
	for tender := currency.Query(); tender.Next(); {
		codes[tender.Unit().String()] = true
	}
	return codes
})

// settingsOf is what the audit keeps of a tenant's settings.
func settingsOf(t dbsqlc.TenantGetRow) map[string]any {
	return map[string]any{
		"name": t.Name, "zone": t.Zone, "weekStart": time.Weekday(t.WeekStart).String(), "currency": t.Currency,
		"branding": BrandingOf(t),
	}
}

// BrandingOf is the branding among a tenant's settings.
func BrandingOf(t dbsqlc.TenantGetRow) Branding { return Branding{t.AppName, t.LogoUrl, t.Accent} }
