package importer

import (
	"context"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// rehearsal judges by the server's rules, and sends nothing.
type rehearsal struct{}

func (rehearsal) send(_ context.Context, entries []*entry) error {
	items, err := event.DecodeBatch(body(entries))
	if err != nil {
		return fmt.Errorf("read what would be sent: %w", err)
	}
	for i, item := range items {
		entries[i].verdict = event.Verdict{MessageID: item.MessageID, Status: event.Accepted}
		if item.Problem != nil {
			entries[i].verdict = refused(item.MessageID, item.Problem)
		}
	}
	return nil
}
