package feed

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
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

	from   string       // who led when the last message came; "" if none has since the gap
	number uint64       // of that message
	heard  atomic.Int64 // when, in nanoseconds since 1970
}

// NewHub makes a hub. Run does the work.
func NewHub(client *redis.Client, channel string, logger *slog.Logger, deliver Listener) *Hub {
	h := &Hub{redis: client, channel: channel, logger: logger, deliver: deliver}
	h.heard.Store(time.Now().UnixNano())
	return h
}

// Silence is for how long nothing was heard of the leader, who says something every
// [BeatEvery].
func (h *Hub) Silence() time.Duration { return time.Since(time.Unix(0, h.heard.Load())) }

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
		h.from = ""
		h.deliver(Message{Gap: true})
	case *redis.Message:
		decoded, err := decode(m.Payload)
		if err != nil {
			h.logger.Warn("a message was not understood; reading everything afresh", "error", err)
			decoded = Message{Gap: true}
		}
		if h.follow(decoded); decoded.Gap || len(decoded.Topics) > 0 {
			h.deliver(decoded)
		}
	}
}

// follow notes a message's number. One that does not follow the last tells of a loss: what the
// message itself says is not all that has changed.
func (h *Hub) follow(m Message) {
	h.heard.Store(time.Now().UnixNano())
	lost := h.from != "" && (m.from != h.from || m.number != h.number+1)
	h.from, h.number = m.from, m.number
	if lost && !m.Gap {
		h.logger.Warn("messages were lost, or another process leads the feed; reading everything afresh")
		h.deliver(Message{Gap: true})
	}
}
