package limit

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// pause is how long Redis is left alone after it has failed.
const pause = time.Second

// breaker keeps a Redis that does not answer from costing every request its timeout: after a
// failure nobody asks for a while, and then one does. It logs an outage when it begins and
// when it ends.
type breaker struct {
	logger *slog.Logger
	now    func() time.Time

	mu   sync.Mutex
	down bool
	next time.Time // when somebody may ask again
}

// mayAsk lets everybody ask while all is well, and now and then one who finds out.
func (b *breaker) mayAsk() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.down {
		return true
	}
	now := b.now()
	if now.Before(b.next) {
		return false
	}
	b.next = now.Add(pause)
	return true
}

func (b *breaker) failed(ctx context.Context, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.down {
		b.logger.WarnContext(ctx, "Redis does not answer; each server counts rate limits by itself until it does", "error", err)
	}
	b.down, b.next = true, b.now().Add(pause)
}

func (b *breaker) answered(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		b.logger.InfoContext(ctx, "Redis answers again; servers count rate limits together")
	}
	b.down = false
}
