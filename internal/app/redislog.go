package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// redisLog puts what go-redis has to say into our log, where it is a detail: what fails
// for good is reported by whoever called.
type redisLog struct{ logger *slog.Logger }

// Printf implements go-redis's logging interface.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.logger.DebugContext(ctx, "redis: "+fmt.Sprintf(format, args...))
}

// UseLogger makes libraries that log by themselves use ours.
func UseLogger(logger *slog.Logger) { redis.SetLogger(redisLog{logger}) }
