package journey

import (
	"context"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Weight says what a unit counts for in a retention.
type Weight string

// The weights, as in the schema's enum RetentionWeight.
const (
	ByUnits Weight = "UNITS" // each is one
	ByMRR   Weight = "MRR"   // what it came to a month when it started
)

// AllWeights lists the weights in the order of the schema.
func AllWeights() []Weight { return []Weight{ByUnits, ByMRR} }

func (a *RetentionAsk) checkWeight(who access.Principal) error {
	switch {
	case a.Weight == ByUnits:
		return nil
	case a.Weight != ByMRR:
		return fault.Input("weight", "There is no such weight.")
	case a.Unit != Accounts:
		return fault.Input("weight", "MRR is of accounts: ask for the unit ACCOUNT.")
	case !who.May(access.ReadRevenue):
		return access.Lacking(access.ReadRevenue).In("weight")
	case who.Rows != nil:
		return fault.New(fault.Forbidden, "You see some rows alone, and MRR is told by all.")
	}
	return nil
}

// weigh has accounts count for what they came to when they started.
func (s *scene) weigh(ctx context.Context, ask *RetentionAsk, r *Retention, t *RetentionTable, w metric.Window) (*revenue.Standings, error) {
	if ask.Weight != ByMRR {
		return nil, nil
	}
	topic.Note(ctx, topic.All(s.Who().Tenant, topic.Revenue))
	home := w.Home()
	standings, err := revenue.StandingsOf(ctx, s.Tx(), w.Currency(), w.Watermark, home, home.DateOf(w.From))
	if err != nil {
		return nil, err
	}
	currency := w.Currency()
	t.Currency = &currency
	r.Weight = func(account, at int64) int { return int(standings.At(account, time.UnixMicro(at))) }
	return standings, nil
}
