package revenue

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// NextChange tells when revenue changes by itself next, by what is known, after an instant; after
// none given, after the transaction's. Nil: never.
func NextChange(ctx context.Context, db dbsqlc.DBTX, after *time.Time) (*time.Time, error) {
	next, err := dbsqlc.New().RevenueNextChange(ctx, db, after)
	if err != nil {
		return nil, fmt.Errorf("read next change of revenue: %w", err)
	}
	if !next.Before(never) {
		return nil, nil
	}
	return &next, nil
}

// NoteNextChange says that an answer holds until then.
func NoteNextChange(ctx context.Context, db dbsqlc.DBTX, after *time.Time) error {
	next, err := NextChange(ctx, db, after)
	if next != nil {
		topic.NoteUntil(ctx, *next)
	}
	return err
}
