package kafka

import (
	"context"
	"time"
)

// Lag says how far storing is behind the log.
type Lag struct {
	Records int64     // in the log and not stored, at least
	Since   time.Time // when the oldest of them was put there; zero: there is none
}

// lagWorthTelling is how old a record may become before it is told.
const lagWorthTelling = time.Minute

// Lag is how far this consumer's partitions are behind, as far as it has looked.
func (c *Consumer) Lag() (lag Lag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.partitions {
		p.mu.Lock()
		own := p.lag
		p.mu.Unlock()
		lag.Records += own.Records
		if lag.Since.IsZero() || !own.Since.IsZero() && own.Since.Before(lag.Since) {
			lag.Since = own.Since
		}
	}
	return lag
}

// Tell logs if storing is far behind.
func (c *Consumer) Tell(ctx context.Context) error {
	lag := c.Lag()
	if lag.Since.IsZero() {
		return nil
	}
	if behind := time.Since(lag.Since); behind > lagWorthTelling {
		c.logger.WarnContext(ctx, "storing is behind the log", "records", lag.Records, "behind", behind)
	}
	return nil
}
