package scenario_test

import (
	"fmt"
	"strings"
	"testing"
)

// What a tenant says of itself.
func TestSettings(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"settings are changed, and what watches is told", settingsAreChanged},
		{"a zone is chosen before anything is counted", aZoneIsChosenBeforeAnythingIsCounted},
		{"settings that can't be", settingsThatCannotBe},
	})
}

const changeTenant = `mutation ($name: String, $zone: TimeZone, $weekStart: Weekday, $currency: String, $branding: BrandingInput) {
	updateTenant(name: $name, zone: $zone, weekStart: $weekStart, currency: $currency, branding: $branding) {
		name zone weekStart currency branding { appName logoUrl accent } } }`

const settingsNow = `tenant { name weekStart currency branding { appName logoUrl accent } }`

func settingsAreChanged(t *testing.T, s story) {
	w, stranger := watchSocket(t, s.kit, s.acme.ReadKey, live(settingsNow)), watchSocket(t, s.kit, s.globex.ReadKey, live(settingsNow))
	plain := `"weekStart":"MONDAY","currency":"USD","branding":{"appName":null,"logoUrl":null,"accent":null}`
	wantNext(t, w, `"Acme",`+plain)
	wantNext(t, stranger, `"Globex",`+plain)
	s.acme.Manage(t, changeTenant, map[string]any{"name": "Acme Inc", "weekStart": "SUNDAY", "currency": "EUR",
		"branding": map[string]any{"appName": "Acme Board", "logoUrl": "https://acme.example/logo.svg", "accent": "#AA00ff"}}, &struct{}{})
	branded := `"weekStart":"SUNDAY","currency":"EUR","branding":{"appName":"Acme Board","logoUrl":"https://acme.example/logo.svg","accent":"#aa00ff"}`
	until(t, w, `"Acme Inc",`+branded)
	s.acme.Manage(t, changeTenant, map[string]any{"currency": "JPY", "branding": map[string]any{"appName": "Board"}}, &struct{}{})
	until(t, w, `"Acme Inc","weekStart":"SUNDAY","currency":"JPY","branding":{"appName":"Board","logoUrl":null,"accent":null}`)
	s.globex.Manage(t, changeTenant, map[string]any{"currency": "CHF"}, &struct{}{})
	wantNext(t, stranger, strings.Replace(plain, "USD", "CHF", 1))
	audited := rows(t, owner(t, s.kit.DB), `select (before::jsonb ->> 'currency') || ' ' || (after::jsonb ->> 'currency') from audit_entry
		where tenant_id = $1 and action = 'TENANT_CHANGED' order by seq`, s.acme.ID)
	wantEqual(t, "the audit", audited, []string{"USD EUR", "EUR JPY"})
}

// The server counts by the zone that was chosen last, though it has taken, and refused,
// events before; from the first that it counts, the zone stays.
func aZoneIsChosenBeforeAnythingIsCounted(t *testing.T, s story) {
	wantVerdicts(t, s.acme.Batch(t, `{"type":"track","messageId":"m0","userId":"u1"}`), "REJECTED")
	s.acme.Manage(t, changeTenant, map[string]any{"zone": "Asia/Tokyo"}, &struct{}{})
	s.acme.Manage(t, changeTenant, map[string]any{"zone": "Pacific/Auckland"}, &struct{}{})
	wantVerdicts(t, s.acme.Batch(t, event("m1", "E", "u1", noon)), "ACCEPTED")
	days := rows(t, owner(t, s.kit.DB), `select day::text from event_rollup where tenant_id = $1`, s.acme.ID)
	wantEqual(t, "the day", days, []string{"2026-05-02"}) // noon in London is midnight there
	got := s.kit.Ask(t, s.acme.ManageKey, changeTenant, map[string]any{"zone": "UTC", "name": "New"})
	if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" || got.Errors[0].Extensions.Field != "zone" {
		t.Errorf("after an event: %s %+v", got.Data, got.Errors)
	}
	var same struct{ UpdateTenant struct{ Name, Zone string } }
	s.acme.Manage(t, changeTenant, map[string]any{"zone": "Pacific/Auckland"}, &same)
	wantEqual(t, "the same zone again", same.UpdateTenant, struct{ Name, Zone string }{"Acme", "Pacific/Auckland"})
	s.wantCount(t, 1, 1)
}

func settingsThatCannotBe(t *testing.T, s story) {
	for i, c := range []struct {
		field     string
		variables map[string]any
	}{
		{"name", map[string]any{"name": ""}}, {"name", map[string]any{"name": "a\x00"}}, {"name", map[string]any{"name": strings.Repeat("x", 201)}},
		{"zone", map[string]any{"zone": "Mars/Olympus"}}, {"zone", map[string]any{"zone": "../../etc/passwd"}}, {"zone", map[string]any{"zone": ""}},
		{"currency", map[string]any{"currency": "eur"}}, {"currency", map[string]any{"currency": "DEM"}}, {"currency", map[string]any{"currency": "XXX"}}, {"currency", map[string]any{"currency": "' or 1=1"}},
		{"branding.appName", branding("appName", "")}, {"branding.accent", branding("accent", "red")}, {"branding.accent", branding("accent", "#12345;x")},
		{"branding.logoUrl", branding("logoUrl", "http://acme.example/x")}, {"branding.logoUrl", branding("logoUrl", "javascript:alert(1)")},
		{"branding.logoUrl", branding("logoUrl", "https://user:pass@acme.example/x")}, {"branding.logoUrl", branding("logoUrl", "https:///x")},
		{"branding.logoUrl", branding("logoUrl", "https://a/\"><script>")}, {"branding.logoUrl", branding("logoUrl", "https://a/"+strings.Repeat("x", 2_000))},
	} {
		t.Run(fmt.Sprint(i, " ", c.field), func(t *testing.T) {
			got := s.kit.Ask(t, s.acme.ManageKey, changeTenant, c.variables)
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" || got.Errors[0].Extensions.Field != c.field || !isNull(got.Data) {
				t.Fatalf("%s %+v", got.Data, got.Errors)
			}
			wantDiscreet(t, got.Errors[0].Message, "script")
		})
	}
	var now struct {
		Tenant struct{ Name, Zone, Currency string }
	}
	s.acme.Query(t, `{ tenant { name zone currency } }`, nil, &now)
	wantEqual(t, "the settings", now.Tenant, struct{ Name, Zone, Currency string }{"Acme", "Europe/Berlin", "USD"})
}

func branding(field, value string) map[string]any {
	return map[string]any{"branding": map[string]any{field: value}}
}
