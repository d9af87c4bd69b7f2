package feed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

// Listener is told what changed. Its method must not block for long.
type Listener func(Message)

// Hub listens on Redis for one server. A lost connection, which may have lost messages,
// reaches the listener as a gap once it is back.
type Hub struct {
	redis   *redis.Client
	channel string
	logger  *slog.Logger
	deliver Listener
}

// NewHub makes a hub. Run does the work.
func NewHub(client *redis.Client, channel string, logger *slog.Logger, deliver Listener) *Hub {
	return &Hub{client, channel, logger, deliver}
}

// healthCheck is how often a silent connection is tried.
const healthCheck = 3 * time.Second

// Run listens until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	pubsub := h.redis.Subscribe(ctx, h.channel)
	defer pubsub.Close()
	messages := pubsub.ChannelWithSubscriptions(redis.WithChannelHealthCheckInterval(healthCheck))
	for {
		select {
		case <-ctx.Done():
			return nil
		case message, open := <-messages:
			if !open {
				if ctx.Err() != nil {
					return nil
				}
				return errors.New("listen on Redis: the channel was closed")
			}
			h.receive(message)
		}
	}
}

func (h *Hub) receive(message any) {
	switch m := message.(type) {
	case *redis.Subscription:
		// The first subscription and every one after a lost connection: what was
		// published before it is not known here.
		h.logger.Info("listening for changes", "channel", h.channel)
		h.deliver(Message{Gap: true})
	case *redis.Message:
		decoded, err := decode(m.Payload)
		if err != nil {
			h.logger.Warn("a message was not understood; reading everything afresh", "error", err)
			decoded = Message{Gap: true}
		}
		h.deliver(decoded)
	}
}
