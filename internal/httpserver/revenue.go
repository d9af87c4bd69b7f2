package httpserver

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/revenue"
)

// books takes in what is known of revenue.
func books(p Parts) items {
	return items{keys: p.Keys, what: "revenue", logger: p.Logger, record: func(ctx context.Context, who access.Principal, body []byte) (list []itemVerdict, alone bool, err error) {
		given, alone, err := revenue.Decode(body)
		if err != nil {
			return nil, false, err
		}
		verdicts, err := p.Revenue.Record(ctx, who, given)
		for _, v := range verdicts {
			list = append(list, itemVerdict{string(v.Kind), v.ID, v.Status, v.Field, v.Reason})
		}
		return list, alone, err
	}}
}
