package metric

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/access"
)

// Shown lists the metrics that whoever asks is let see: all, but to the bearer of an embed
// token those that it names.
func Shown(ctx context.Context) []*Definition {
	who, _ := access.From(ctx)
	if who.Embed == nil {
		return catalog
	}
	var shown []*Definition
	for _, d := range catalog {
		if who.Embed.AllowsMetric(d.Key) {
			shown = append(shown, d)
		}
	}
	return shown
}

// FindShown is Find among those that are shown: of the others it is not told that they exist.
func FindShown(ctx context.Context, key string) (*Definition, error) {
	if who, _ := access.From(ctx); !who.Embed.AllowsMetric(key) {
		return nil, errNoMetric
	}
	return Find(key)
}
