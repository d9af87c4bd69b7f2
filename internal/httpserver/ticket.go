package httpserver

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// desk takes in how tickets of support stand.
func desk(p Parts) items {
	return items{keys: p.Keys, what: "tickets", logger: p.Logger, record: func(ctx context.Context, who access.Principal, body []byte) (list []itemVerdict, alone bool, err error) {
		given, alone, err := ticket.Decode(body)
		if err != nil {
			return nil, false, err
		}
		verdicts, err := p.Tickets.Record(ctx, who, given)
		for _, v := range verdicts {
			list = append(list, itemVerdict{ID: v.ID, Status: v.Status, Field: v.Field, Reason: v.Reason})
		}
		return list, alone, err
	}}
}
