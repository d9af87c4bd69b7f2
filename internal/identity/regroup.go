package identity

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Regroup gives identities the person that they belong to now, after something above them was
// changed, and works out anew when the persons concerned were born. The caller holds the
// tenant's turn.
func Regroup(ctx context.Context, tx pgx.Tx, identities []int64) error {
	moved, err := regroup(ctx, tx, identities)
	if err != nil {
		return err
	}
	if err := handOver(ctx, tx, moved); err != nil {
		return err
	}
	return births(ctx, tx, touched(moved))
}
