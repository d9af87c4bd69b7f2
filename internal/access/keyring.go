package access

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Keyring makes, rotates and ends the keys of the tenant that asks. It is written by the role
// that signs people in, and read by the one that answers queries.
type Keyring struct {
	app    *postgres.App
	access *postgres.Access
	vault  *secret.Vault
}

// NewKeyring makes one. Without a vault there are no embed keys.
func NewKeyring(app *postgres.App, access *postgres.Access, vault *secret.Vault) *Keyring {
	return &Keyring{app, access, vault}
}

// maxOverlap bounds for how long a key works beside the one that follows it.
const maxOverlap = 30 * 24 * time.Hour

var (
	errNoKey   = fault.New(fault.NotFound, "There is no such key.").In("id")
	errKeyOver = fault.New(fault.BadUserInput, "This key has ended, and cannot be rotated. Make another.").In("id")
	errRotated = fault.New(fault.BadUserInput, "This key has been rotated already. Rotate the one that follows it.").In("id")
)

// Create makes a key, and returns its text, which nobody can be told again.
func (k *Keyring) Create(ctx context.Context, draft KeyDraft) (key string, made APIKey, err error) {
	who, err := k.maker(ctx, draft)
	if err != nil {
		return "", made, err
	}
	draft.by = who.By()
	err = k.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		if key, made, err = insertKey(ctx, tx, k.vault, who.Tenant, draft); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.KeyCreated, Target: keyTarget(made.ID), After: made.told()})
	})
	if err != nil {
		return "", APIKey{}, fmt.Errorf("create key: %w", err)
	}
	return key, made, nil
}

// maker is who asks, if they may make such a key: nobody gives what they have not got
// themselves. To send is no person's, nor a management key's, and goes with the right to make
// keys.
func (k *Keyring) maker(ctx context.Context, draft KeyDraft) (Principal, error) {
	who, err := Require(ctx, ManageKeys)
	if err != nil {
		return who, err
	}
	if err := draft.check(); err != nil {
		return who, err
	}
	return who, who.mayGive(draft.May())
}

func (p Principal) mayGive(set Permissions) error {
	if missing := set &^ (p.Permissions | Of(Ingest)); missing != 0 {
		return fault.New(fault.Forbidden, "You may not give what you may not do: "+string(missing.List()[0])+" is lacking.").In("permissions")
	}
	if p.Rows != nil || p.Narrow != "" {
		return fault.New(fault.Forbidden, "What you see is restricted, and a key's is not.")
	}
	return nil
}

// insertKey stores a key in a transaction of its tenant, or of the worker.
func insertKey(ctx context.Context, tx pgx.Tx, vault *secret.Vault, of tenant.ID, draft KeyDraft) (string, APIKey, error) {
	count, err := dbsqlc.New().APIKeyCountLiving(ctx, tx, of)
	if err != nil {
		return "", APIKey{}, fmt.Errorf("count keys: %w", err)
	}
	if count.Living >= maxLivingKeys {
		return "", APIKey{}, fault.Newf(fault.BadUserInput, "A tenant has at most %d keys. Revoke those that are not used.", maxLivingKeys)
	}
	if err := draft.checkExpiry(count.Now); err != nil {
		return "", APIKey{}, err
	}
	key, row, err := draft.make(of, vault)
	if err != nil {
		return "", APIKey{}, err
	}
	if err := dbsqlc.New().APIKeyCreate(ctx, tx, row); err != nil {
		return "", APIKey{}, err
	}
	return key, madeKey(row, count.Now), nil
}

// Rotate makes a key that follows another, of which it has all but the secret and the end.
// The other ends after the overlap.
func (k *Keyring) Rotate(ctx context.Context, id uuid.UUID, overlap time.Duration, expiresAt *time.Time) (key string, made APIKey, err error) {
	who, err := Require(ctx, ManageKeys)
	if err != nil {
		return "", made, err
	}
	if overlap < 0 || overlap > maxOverlap {
		return "", made, fault.Input("overlapHours", "Between 0 and %d are allowed.", int(maxOverlap/time.Hour))
	}
	err = k.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		key, made, err = rotateKey(ctx, tx, k.vault, who.Tenant, id, rotation{overlap, expiresAt, who.By(), who.mayGive})
		return err
	})
	if err != nil {
		return "", APIKey{}, fmt.Errorf("rotate key: %w", err)
	}
	return key, made, nil
}

// rotation is how a key is to be rotated, by whom, and whether they may.
type rotation struct {
	overlap   time.Duration
	expiresAt *time.Time // nil: it lives as long as the other was meant to
	by        uuid.UUID
	mayGive   func(Permissions) error
}

func rotateKey(ctx context.Context, tx pgx.Tx, vault *secret.Vault, of tenant.ID, id uuid.UUID, how rotation) (string, APIKey, error) {
	old, err := lockKey(ctx, tx, of, id)
	if err != nil {
		return "", APIKey{}, err
	}
	switch {
	case old.Rotated:
		return "", APIKey{}, errRotated
	case old.RevokedAt != nil, old.Expired, old.Permissions != nil && permissionsOf(old.Permissions) == 0:
		return "", APIKey{}, errKeyOver
	}
	count, err := dbsqlc.New().APIKeyCountLiving(ctx, tx, of)
	if err != nil {
		return "", APIKey{}, err
	}
	draft := draftOf(old, how, count.Now)
	if err := how.mayGive(draft.May()); err != nil {
		return "", APIKey{}, err
	}
	key, made, err := insertKey(ctx, tx, vault, of, draft)
	if err != nil {
		return "", APIKey{}, err
	}
	if err := retire(ctx, tx, of, id, count.Now, how.overlap); err != nil {
		return "", APIKey{}, err
	}
	return key, made, audit.Write(ctx, tx, audit.Entry{
		Action: audit.KeyRotated, Target: keyTarget(id), Tenant: of,
		After: map[string]any{"successor": made.ID, "endsAt": count.Now.Add(how.overlap), "expiresAt": made.ExpiresAt},
	})
}

// retire ends a key that another follows: at once, or after the overlap.
func retire(ctx context.Context, tx pgx.Tx, of tenant.ID, id uuid.UUID, now time.Time, overlap time.Duration) error {
	if overlap > 0 {
		return dbsqlc.New().APIKeyEndBy(ctx, tx, dbsqlc.APIKeyEndByParams{At: now.Add(overlap), TenantID: of, ApiKeyID: id})
	}
	reason := "Rotated."
	return dbsqlc.New().APIKeyRevoke(ctx, tx, dbsqlc.APIKeyRevokeParams{Reason: &reason, TenantID: of, ApiKeyID: id})
}

func draftOf(old dbsqlc.APIKeyLockRow, how rotation, now time.Time) KeyDraft {
	draft := KeyDraft{
		Kind: Kind(old.Kind), Name: old.Name, Permissions: permissionsOf(old.Permissions), Origins: old.Origins,
		ExpiresAt: how.expiresAt, source: old.Source, rotates: old.ApiKeyID, by: how.by,
	}
	if draft.ExpiresAt == nil && old.ExpiresAt != nil {
		ends := now.Add(old.ExpiresAt.Sub(old.CreatedAt))
		draft.ExpiresAt = &ends
	}
	return draft
}

func lockKey(ctx context.Context, tx pgx.Tx, of tenant.ID, id uuid.UUID) (dbsqlc.APIKeyLockRow, error) {
	row, err := dbsqlc.New().APIKeyLock(ctx, tx, dbsqlc.APIKeyLockParams{TenantID: of, ApiKeyID: id})
	if errors.Is(err, pgx.ErrNoRows) {
		return row, errNoKey
	}
	return row, err
}

// Revoke ends a key at once. What has ended stays as it is.
func (k *Keyring) Revoke(ctx context.Context, id uuid.UUID, reason string) error {
	who, err := Require(ctx, ManageKeys)
	if err != nil {
		return err
	}
	if !utf8.ValidString(reason) || utf8.RuneCountInString(reason) > 500 {
		return fault.Input("reason", "At most 500 characters are allowed.")
	}
	err = k.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		old, err := lockKey(ctx, tx, who.Tenant, id)
		if err != nil || old.RevokedAt != nil {
			return err
		}
		if err := dbsqlc.New().APIKeyRevoke(ctx, tx, dbsqlc.APIKeyRevokeParams{Reason: textOrNone(reason), TenantID: who.Tenant, ApiKeyID: id}); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.KeyRevoked, Target: keyTarget(id),
			Before: map[string]any{"name": old.Name, "kind": old.Kind}, After: map[string]any{"reason": reason},
		})
	})
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	return nil
}

func textOrNone(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
