package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	gqlgen "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/gqlhttp"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/quota"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// LimitsConfig says what may be asked for, and how much of it in a minute.
type LimitsConfig struct {
	MaxCost       int `name:"max-cost" env:"TIDEMARK_MAX_COST" default:"10000" help:"Cost of one operation, at most."`
	MaxItems      int `name:"max-items" env:"TIDEMARK_MAX_ITEMS" default:"20000" help:"Items of all lists in one answer, at most."`
	ReadRate      int `name:"read-rate" env:"TIDEMARK_READ_RATE" default:"120000" help:"Cost of queries of a tenant in a minute, at most; 0: without a limit."`
	WriteRate     int `name:"write-rate" env:"TIDEMARK_WRITE_RATE" default:"12000" help:"Cost of mutations of a tenant in a minute, at most; 0: without a limit."`
	BurstSeconds  int `name:"burst-seconds" env:"TIDEMARK_BURST_SECONDS" default:"30" help:"How many seconds' worth of that may be spent at once."`
	OffPeak       int `name:"off-peak-percent" env:"TIDEMARK_OFF_PEAK_PERCENT" default:"200" help:"Percent of it at night and at weekends."`
	CallerPercent int `name:"caller-percent" env:"TIDEMARK_CALLER_PERCENT" default:"50" help:"Percent of it that one key or member may spend."`
	EventRate     int `name:"event-rate" env:"TIDEMARK_EVENT_RATE" default:"0" help:"Events of a tenant in a second, at most; 0: without a limit."`
}

// DefaultLimits are those of a process that is told nothing.
func DefaultLimits() LimitsConfig {
	return LimitsConfig{
		MaxCost: 10_000, MaxItems: 20_000, ReadRate: 120_000, WriteRate: 12_000,
		BurstSeconds: 30, OffPeak: 200, CallerPercent: 50,
	}
}

func (c LimitsConfig) bounds() graph.Bounds { return graph.Bounds{Cost: c.MaxCost, Items: c.MaxItems} }

func (c LimitsConfig) rates() limit.Rates {
	return limit.Rates{
		Read: c.ReadRate, Write: c.WriteRate, BurstSeconds: c.BurstSeconds,
		OffPeak: c.OffPeak, CallerPercent: c.CallerPercent,
	}
}

// setting is a number that is set, and its range.
type setting struct {
	name               string // of the variable, without TIDEMARK_
	value, least, most int
}

func outOfRange(settings []setting) (problems []error) {
	for _, set := range settings {
		if set.value < set.least || set.value > set.most {
			problems = append(problems, fmt.Errorf("TIDEMARK_%s must be between %d and %d: %d", set.name, set.least, set.most, set.value))
		}
	}
	return problems
}

// check reports what is out of range, and what does not fit together.
func (c LimitsConfig) check() error {
	problems := outOfRange([]setting{
		{"MAX_COST", c.MaxCost, 100, 1_000_000},
		{"MAX_ITEMS", c.MaxItems, 100, 1_000_000},
		{"READ_RATE", c.ReadRate, 0, limit.MaxRate},
		{"WRITE_RATE", c.WriteRate, 0, limit.MaxRate},
		{"BURST_SECONDS", c.BurstSeconds, 1, 3600},
		{"OFF_PEAK_PERCENT", c.OffPeak, 100, 1000},
		{"CALLER_PERCENT", c.CallerPercent, 1, 100},
		{"EVENT_RATE", c.EventRate, 0, limit.MaxEventRate},
	})
	if at := c.rates().AtOnce(limit.Read); len(problems) == 0 && at >= 0 && at < c.MaxCost {
		problems = append(problems, fmt.Errorf("TIDEMARK_MAX_COST is %d, of which one caller may spend %d at once by TIDEMARK_READ_RATE, _BURST_SECONDS and _CALLER_PERCENT", c.MaxCost, at))
	}
	return errors.Join(problems...)
}

// admission charges operations to whoever asks for them.
type admission struct {
	limiter *limit.Limiter
	quotas  *quota.Service
}

// admit implements [gqlhttp.Config.Admit].
func (a admission) admit(ctx context.Context, op *gqlgen.OperationContext) (gqlhttp.Admission, error) {
	meter, kind := graph.MeterOf(op), limit.Read
	if op.Operation.Operation == ast.Mutation {
		kind = limit.Write
	}
	return a.charge(ctx, kind, meter.Requested(), meter.Actual)
}

// charge charges a cost, or refuses it; actual is asked once the operation has run.
func (a admission) charge(ctx context.Context, kind limit.Kind, requested int, actual func() int) (gqlhttp.Admission, error) {
	caller, rates := a.callerOf(ctx)
	spent, err := a.limiter.Spend(ctx, caller, rates, kind, requested)
	header := http.Header{}
	spent.WriteHeader(header)
	return gqlhttp.Admission{Header: header, Extensions: func() map[string]any {
		came := 0
		if err == nil {
			came = actual()
		}
		return map[string]any{"cost": costOf(requested, came, spent)}
	}}, err
}

// costOf is `extensions.cost` of an answer: what it was charged, what it came to, and of the
// tightest budget what is left, with the seconds until it is full; null: without a limit.
func costOf(requested, actual int, spent limit.Spending) json.RawMessage {
	b := strconv.AppendInt([]byte(`{"requested":`), int64(requested), 10)
	b = strconv.AppendInt(append(b, `,"actual":`...), int64(actual), 10)
	tightest, limited := spent.Tightest()
	if !limited {
		return append(b, `,"remaining":null,"reset":null}`...)
	}
	b = strconv.AppendInt(append(b, `,"remaining":`...), int64(tightest.Remaining), 10)
	b = strconv.AppendInt(append(b, `,"reset":`...), int64(limit.Seconds(tightest.Reset)), 10)
	return append(b, '}')
}

// callerOf says to whom an operation is charged, and within what. Who is not known yet is
// their address.
func (a admission) callerOf(ctx context.Context) (limit.Caller, limit.Rates) {
	who, known := access.From(ctx)
	if !known {
		return limit.Caller{ID: limit.NetworkOf(fault.ClientOf(ctx).Address), Tier: limit.Anonymous}, a.quotas.Ceiling()
	}
	its := a.quotas.Of(ctx, who.Tenant)
	return limit.Caller{Tenant: who.Tenant.String(), ID: who.By().String(), Tier: tierOf(who), Zone: its.Zone}, its.Rates
}

// tiers says of which tier whoever asks is: people by role, keys by kind.
var (
	roleTiers = map[access.Builtin]limit.Tier{
		access.Owner: limit.Owner, access.Admin: limit.Admin, access.Analyst: limit.Analyst, access.Viewer: limit.Viewer,
	}
	keyTiers = map[access.Kind]limit.Tier{
		access.WriteKey: limit.WriteKey, access.ReadKey: limit.ReadKey, access.ManageKey: limit.ManageKey,
	}
)

func tierOf(who access.Principal) limit.Tier {
	if who.Kind != access.MemberKind {
		return keyTiers[who.Kind] // of a kind that is not listed: the least
	}
	if tier, builtin := roleTiers[who.Builtin]; builtin {
		return tier
	}
	return limit.Custom
}

// bounded takes in no more events of a tenant than it may send.
type bounded struct {
	event.Appender
	limiter   *limit.Limiter
	perSecond int
}

// Append implements [event.Appender].
func (b bounded) Append(ctx context.Context, id tenant.ID, source string, items []event.Item) ([]event.Verdict, error) {
	if err := b.limiter.SpendEvents(ctx, id.String(), b.perSecond, len(items)); err != nil {
		return nil, err
	}
	return b.Appender.Append(ctx, id, source, items)
}
