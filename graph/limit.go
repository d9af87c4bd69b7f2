package graph

import (
	"context"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/limit"
)

func toLimits(r limit.Rates) *model.Limits {
	return &model.Limits{
		ReadPerMinute: unlessZero(r.Read), WritePerMinute: unlessZero(r.Write),
		BurstSeconds: r.BurstSeconds, OffPeakPercent: r.OffPeak, CallerPercent: r.CallerPercent,
	}
}

func unlessZero(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func (r *Resolver) limits(ctx context.Context) (*model.Limits, error) {
	current, err := r.Quotas.Current(ctx)
	if err != nil {
		return nil, err
	}
	return toLimits(current.Rates), nil
}
