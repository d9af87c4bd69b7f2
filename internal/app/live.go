package app

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/gqlhttp"
	"github.com/tidemarkhq/tidemark/internal/live"
)

// liveQueries lets the transports subscribe to the engine.
type liveQueries struct{ engine *live.Engine }

// Subscribe implements [gqlhttp.Live].
func (l liveQueries) Subscribe(ctx context.Context, key gqlhttp.Key, run func(ctx context.Context) []byte) (gqlhttp.Subscription, error) {
	subscription, err := l.engine.Subscribe(ctx, live.Key(key), func(ctx context.Context) live.Frame { return run(ctx) })
	if err != nil {
		return nil, err
	}
	return mailbox{subscription}, nil
}

// mailbox gives frames as plain bytes.
type mailbox struct{ *live.Subscription }

// Take implements [gqlhttp.Subscription].
func (m mailbox) Take() ([]byte, bool) { return m.Subscription.Take() }
