package graph

import (
	"context"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/intake"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// recordTickets takes in what a mutation brings.
func (r *Resolver) recordTickets(ctx context.Context, items []ticket.Item) (*model.TicketResult, error) {
	who, err := access.Require(ctx, access.Ingest)
	if err != nil {
		return nil, err
	}
	verdicts, err := r.Tickets.Record(ctx, who, intake.Sent(items))
	return toTicketResult(verdicts), err
}

func toTicketResult(verdicts []ticket.Verdict) *model.TicketResult {
	result := &model.TicketResult{Verdicts: make([]model.TicketVerdict, len(verdicts))}
	count := map[event.Status]*int{
		event.Accepted: &result.Accepted, event.Duplicate: &result.Duplicates, event.Conflict: &result.Conflicts, event.Rejected: &result.Rejected,
	}
	for i, v := range verdicts {
		*count[v.Status]++
		result.Verdicts[i] = model.TicketVerdict{ID: v.ID, Status: v.Status}
		if v.Reason != "" {
			result.Verdicts[i].Field, result.Verdicts[i].Reason = &v.Field, &v.Reason
		}
	}
	return result
}

// ticketKey writes where a ticket stands: as an event does, by instant and number.
func ticketKey(t *ticket.Ticket) string {
	return positionKey(event.Position{OccurredAt: t.OpenedAt, ID: t.ID})
}

// ticketPage is a page's key for a list of tickets.
func ticketPage(of int64, first int, after *string, statuses []ticket.Status) (loader.PageKey[ticket.Place], error) {
	place, err := placeOrStart(after, parsePosition)
	from := ticket.Place{At: place.OccurredAt, ID: place.ID, Statuses: ticket.SomeStatuses(statuses)}
	return loader.PageKey[ticket.Place]{Of: of, First: first, After: from}, err
}

func ticketsOf(ctx context.Context, from *loader.Batched[loader.PageKey[ticket.Place], customer.Page[ticket.Ticket]], of int64, first int, after *string, statuses []ticket.Status) (*model.TicketConnection, error) {
	key, err := ticketPage(of, first, after, statuses)
	if err != nil {
		return nil, err
	}
	page, err := from.Load(ctx, key)()
	c := &model.TicketConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.TicketEdge](ctx, page.Items, page.More, after, ticketKey)
	return c, err
}

// counted is what was counted: nothing, where nothing is known.
func counted(found *int, err error) (int, error) {
	if found == nil {
		return 0, err
	}
	return *found, err
}
