package app

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/quota"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// What the command line fills in is what the documentation and the tests go by.
func TestDefaultLimits(t *testing.T) {
	var told struct {
		Config `embed:""`
	}
	parser, err := kong.New(&told)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil {
		t.Fatal(err)
	}
	if told.Limits != DefaultLimits() {
		t.Errorf("the command line says %+v, want %+v", told.Limits, DefaultLimits())
	}
	if err := DefaultLimits().check(); err != nil {
		t.Error(err)
	}
}

func TestLimitsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*LimitsConfig)
		want   string
	}{
		"nothing may be asked":       {func(c *LimitsConfig) { c.MaxCost = 0 }, "TIDEMARK_MAX_COST"},
		"no lists":                   {func(c *LimitsConfig) { c.MaxItems = 0 }, "TIDEMARK_MAX_ITEMS"},
		"less than nothing":          {func(c *LimitsConfig) { c.ReadRate = -1 }, "TIDEMARK_READ_RATE"},
		"more than can be counted":   {func(c *LimitsConfig) { c.WriteRate = 1 << 40 }, "TIDEMARK_WRITE_RATE"},
		"nothing at once":            {func(c *LimitsConfig) { c.BurstSeconds = 0 }, "TIDEMARK_BURST_SECONDS"},
		"less at night":              {func(c *LimitsConfig) { c.OffPeak = 99 }, "TIDEMARK_OFF_PEAK_PERCENT"},
		"nothing for anybody":        {func(c *LimitsConfig) { c.CallerPercent = 0 }, "TIDEMARK_CALLER_PERCENT"},
		"too many events":            {func(c *LimitsConfig) { c.EventRate = limit.MaxEventRate + 1 }, "TIDEMARK_EVENT_RATE"},
		"a cost that nobody can pay": {func(c *LimitsConfig) { c.MaxCost = 30_001 }, "spend 30000 at once"},
		"no limit":                   {func(c *LimitsConfig) { c.MaxCost, c.ReadRate, c.WriteRate = 1_000_000, 0, 0 }, ""},
	} {
		limits := DefaultLimits()
		c.change(&limits)
		if err := limits.check(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestTiers(t *testing.T) {
	for want, who := range map[limit.Tier]access.Principal{
		limit.Owner:     {Kind: access.MemberKind, Builtin: access.Owner},
		limit.Admin:     {Kind: access.MemberKind, Builtin: access.Admin},
		limit.Analyst:   {Kind: access.MemberKind, Builtin: access.Analyst},
		limit.Viewer:    {Kind: access.MemberKind, Builtin: access.Viewer},
		limit.Custom:    {Kind: access.MemberKind},
		limit.ReadKey:   {Kind: access.ReadKey},
		limit.WriteKey:  {Kind: access.WriteKey},
		limit.ManageKey: {Kind: access.ManageKey},
		"":              {Kind: "of tomorrow"},
	} {
		if got := tierOf(who); got != want {
			t.Errorf("%+v is of tier %q, want %q", who, got, want)
		}
	}
}

// Sessions of one member share a budget; who is nobody yet is their address.
func TestCallers(t *testing.T) {
	rates := DefaultLimits().rates()
	a := admission{quotas: quota.NewService(nil, rates, nil)}
	ctx := fault.WithClient(context.Background(), fault.Client{Address: netip.MustParseAddr("2001:db8::1")})
	got, its := a.callerOf(ctx)
	if want := (limit.Caller{ID: "2001:db8::/64", Tier: limit.Anonymous}); got != want || its != rates {
		t.Errorf("somebody unknown is %+v within %+v, want %+v", got, its, want)
	}
	login := uuid.New()
	one := access.Principal{Tenant: tenant.ID{1}, Kind: access.MemberKind, ID: uuid.New(), Login: login}
	two := one
	two.ID = uuid.New()
	if one.By() != two.By() {
		t.Errorf("two sessions are %v and %v", one.By(), two.By())
	}
}
