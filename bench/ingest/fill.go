package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// perFill is how many events one tenant of the filling has.
const perFill = 1_000_000

// fill stores events by the way that is measured, so that what is measured meets tables and
// indexes of a size.
func (h *house) fill(ctx context.Context, events int) error {
	for done := 0; done < events; done += perFill {
		parts, err := h.prepare(ctx, 1, min(perFill, events-done))
		if err != nil {
			return err
		}
		rate, spent, err := h.ingest(ctx, parts)
		if err != nil {
			return err
		}
		fmt.Printf("  stored %d: %.0f/s; %v\n", done+parts[0].events, rate, spent)
	}
	return nil
}

// checkpoint lets the segments of the log be used again that the filling has made.
func (h *house) checkpoint(ctx context.Context) error {
	return h.asOwner(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "checkpoint"); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		return nil
	})
}
