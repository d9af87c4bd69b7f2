package app

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/demo"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// askSupport records what the company's accounts asked of support, some at a time. Said again it
// changes nothing.
func (t *till) askSupport(ctx context.Context, desk *ticket.Service) error {
	var items []ticket.Given
	for _, account := range slices.Sorted(maps.Keys(t.seen)) {
		for _, k := range t.plan.Tickets(t.company, account, t.users[account], t.seen[account]) {
			items = append(items, ticket.Given{Item: ticketItem(k)})
		}
	}
	who := t.who
	who.Source = "support"
	for chunk := range slices.Chunk(items, ticket.MaxItems) {
		verdicts, err := desk.Record(ctx, who, chunk)
		if err != nil {
			return fmt.Errorf("load tickets of %s: %w", t.company.Name, err)
		}
		for _, v := range verdicts {
			if v.Status != event.Accepted && v.Status != event.Duplicate {
				return fmt.Errorf("load tickets of %s: %s was %s: %s", t.company.Name, v.ID, v.Status, v.Reason)
			}
		}
	}
	return nil
}

func ticketItem(k demo.Ticket) ticket.Item {
	return ticket.Item{
		ID: k.ID, Subject: &k.Subject, URL: &k.URL, Status: ticket.Status(k.Status), Channel: &k.Channel, UserID: known(k.User), GroupID: &k.Account,
		Priority: known(ticket.Priority(k.Priority)), Rating: known(ticket.Rating(k.Rating)),
		OpenedAt: k.OpenedAt, FirstRepliedAt: known(k.RepliedAt), SolvedAt: known(k.SolvedAt), UpdatedAt: k.UpdatedAt,
	}
}

// known is a value that is known, or nil.
func known[T comparable](value T) *T {
	var none T
	if value == none {
		return nil
	}
	return &value
}
