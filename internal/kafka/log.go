package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// clientLog puts what the client has to say into our log, where it is a detail: what fails for
// good is reported by whoever called.
type clientLog struct{ logger *slog.Logger }

// Level implements [kgo.Logger].
func (l clientLog) Level() kgo.LogLevel {
	if l.logger.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelNone
}

// Log implements [kgo.Logger].
func (l clientLog) Log(_ kgo.LogLevel, message string, details ...any) {
	l.logger.Debug("kafka: "+message, details...) //nolint:sloglint // the client names its own details
}
