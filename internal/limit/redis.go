package limit

import (
	"time"

	"github.com/redis/go-redis/v9"
)

// How long Redis has for an answer. It takes well under a millisecond; one that does not
// is as good as down. Attempts have no other way, and wait longer than costs do.
const (
	attemptTimeout = 500 * time.Millisecond
	spendTimeout   = 100 * time.Millisecond
	redisPool      = 32 // connections, so that limits never wait for other traffic
)

// Connect makes a client for limits and attempts: impatient, without retries, and apart from
// the connections that carry changes.
func Connect(options redis.Options) *redis.Client {
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = attemptTimeout, attemptTimeout, attemptTimeout
	options.PoolTimeout, options.PoolSize = attemptTimeout, redisPool
	options.MaxRetries, options.DialerRetries = -1, 1
	options.ContextTimeoutEnabled = true
	return redis.NewClient(&options)
}
