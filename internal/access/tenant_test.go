package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func TestATenantNeedsANameAZoneAndAFirstDayOfTheWeek(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		name, label, zone string
		week              time.Weekday
		field             string
	}{
		{"no name", "", "UTC", time.Monday, "name"},
		{"a long name", strings.Repeat("é", 201), "UTC", time.Monday, "name"},
		{"a name with NUL", "a\x00", "UTC", time.Monday, "name"},
		{"a name that is not UTF-8", "\xff", "UTC", time.Monday, "name"},
		{"no zone", "Acme", "", time.Monday, "zone"},
		{"an offset", "Acme", "+02:00", time.Monday, "zone"},
		{"the machine's zone", "Acme", "Local", time.Monday, "zone"},
		{"a zone in another case", "Acme", "europe/berlin", time.Monday, "zone"},
		{"a path", "Acme", "../etc/passwd", time.Monday, "zone"},
		{"SQL", "Acme", "UTC'; drop table tenant; --", time.Monday, "zone"},
		{"an eighth day", "Acme", "UTC", 7, "weekStart"},
		{"a day before Sunday", "Acme", "UTC", -1, "weekStart"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id, err := access.CreateTenant(t.Context(), h.worker, c.label, c.zone, c.week)
			wantFault(t, err, fault.BadUserInput, c.field)
			if id != tenant.None {
				t.Errorf("tenant %v beside the error", id)
			}
		})
	}
	if tenants, err := access.Tenants(t.Context(), h.worker); err != nil || len(tenants) != 0 {
		t.Errorf("%d tenants were made, %v", len(tenants), err)
	}
}

func TestTenantsAreListedAndReadTheirOwnSettings(t *testing.T) {
	h := newHouse(t)
	acme, err := access.CreateTenant(t.Context(), h.worker, strings.Repeat("é", 200), "Asia/Kolkata", time.Sunday)
	if err != nil {
		t.Fatal(err)
	}
	globex := h.tenant(t, "Globex")
	tenants, err := access.Tenants(t.Context(), h.worker)
	if err != nil || len(tenants) != 2 || tenants[0].TenantID != acme || tenants[1].TenantID != globex {
		t.Errorf("tenants %v, %v; want Acme and Globex", tenants, err)
	}
	settings := access.NewSettings(h.app)
	mine, err := settings.Current(access.With(t.Context(), access.Principal{Tenant: acme, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()}))
	if err != nil || mine.TenantID != acme || mine.Zone != "Asia/Kolkata" || mine.WeekStart != 0 {
		t.Errorf("settings %+v, %v", mine, err)
	}
	if mine.Watermark.Before(mine.CreatedAt) {
		t.Errorf("watermark %v before the creation at %v", mine.Watermark, mine.CreatedAt)
	}
	_, err = settings.Current(t.Context())
	wantFault(t, err, fault.Unauthenticated, "")
	_, err = settings.Current(access.With(t.Context(), access.Principal{Tenant: acme, Kind: access.WriteKey, Permissions: access.WriteKey.Permissions()}))
	wantFault(t, err, fault.Forbidden, "")
}
