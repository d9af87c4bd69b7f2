package feed

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
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

const (
	healthCheck = 3 * time.Second        // for which a connection may be silent before it is asked, and then again
	listenAgain = 100 * time.Millisecond // after a connection was lost
)

// Run listens until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		h.listen(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain + rand.N(listenAgain)):
		}
	}
	return nil
}

// listen hears what comes by one subscription, until it is lost. It reads without a deadline,
// which could fall into the middle of a message.
func (h *Hub) listen(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	pubsub := h.redis.Subscribe(ctx, h.channel)
	life := make(chan struct{}, 1)
	var watching sync.WaitGroup
	watching.Go(func() { watch(ctx, pubsub, life) })
	defer watching.Wait()
	defer cancel()
	for heard := false; ; heard = true {
		message, err := pubsub.Receive(ctx)
		if err != nil {
			h.lost(ctx, heard, err)
			return
		}
		select {
		case life <- struct{}{}:
		default:
		}
		h.receive(message)
	}
}

// lost logs what ended a subscription. Of an outage, its beginning is news.
func (h *Hub) lost(ctx context.Context, heard bool, err error) {
	level := slog.LevelDebug
	if heard && ctx.Err() == nil {
		level = slog.LevelWarn
	}
	h.logger.Log(ctx, level, "changes are not heard of until Redis is back", "error", err)
}

// watch asks a silent connection for a sign of life, and closes it if none comes: where the
// network has forgotten it, it would stay silent for ever. It ends with ctx.
func watch(ctx context.Context, pubsub *redis.PubSub, life <-chan struct{}) {
	defer pubsub.Close() // whoever reads from it returns
	silence := time.NewTimer(healthCheck)
	defer silence.Stop()
	for asked := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-life:
			asked = false
		case <-silence.C:
			if asked || pubsub.Ping(ctx) != nil {
				return
			}
			asked = true
		}
		silence.Reset(healthCheck)
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
