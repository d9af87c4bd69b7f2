package access

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// What follows is the keyring of whoever keeps house: any tenant's, and any permission.

// CreateKeyAs makes a key of a tenant's. Only an embed key needs the vault.
func CreateKeyAs(ctx context.Context, worker *postgres.Worker, vault *secret.Vault, of tenant.ID, draft KeyDraft) (key string, err error) {
	if err := draft.check(); err != nil {
		return "", err
	}
	err = worker.InTx(ctx, func(tx pgx.Tx) error {
		var made APIKey
		if key, made, err = insertKey(ctx, tx, vault, of, draft); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.KeyCreated, Target: keyTarget(made.ID), Tenant: of, After: made.told()})
	})
	if postgres.Refused(err) {
		return "", errNoTenant.Because(err)
	}
	if err != nil {
		return "", fmt.Errorf("create key: %w", err)
	}
	return key, nil
}

// RotateKeyAs makes a key that follows a tenant's, which ends after the overlap.
func RotateKeyAs(ctx context.Context, worker *postgres.Worker, vault *secret.Vault, of tenant.ID, id uuid.UUID, overlap time.Duration) (key string, err error) {
	if overlap < 0 || overlap > maxOverlap {
		return "", fault.Input("overlap", "Between 0 and %d hours are allowed.", int(maxOverlap/time.Hour))
	}
	all := func(Permissions) error { return nil }
	err = worker.InTx(ctx, func(tx pgx.Tx) error {
		key, _, err = rotateKey(ctx, tx, vault, of, id, rotation{overlap: overlap, mayGive: all})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("rotate key: %w", err)
	}
	return key, nil
}

// KeysOf lists a tenant's keys, the oldest first.
func KeysOf(ctx context.Context, worker *postgres.Worker, of tenant.ID) (keys []dbsqlc.APIKeyListOfRow, err error) {
	err = worker.InTx(ctx, func(tx pgx.Tx) error {
		keys, err = dbsqlc.New().APIKeyListOf(ctx, tx, of)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, nil
}
