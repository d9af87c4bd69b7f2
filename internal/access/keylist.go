package access

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// maxKeyPage is how many keys one page may have.
const maxKeyPage = 100

// APIKey is what can be told of a key.
type APIKey struct {
	ID            uuid.UUID
	Kind          Kind
	Name          string
	Prefix        string // its first characters
	Permissions   Permissions
	Origins       []string
	CreatedAt     time.Time
	CreatedBy     uuid.NullUUID // a login or a key
	ExpiresAt     *time.Time
	RevokedAt     *time.Time
	RevokedReason *string
	Rotates       uuid.NullUUID
	UsedAt        *time.Time // to the minute, or so
	UsedFrom      *string    // the network
}

// KeyPage is a part of the list of keys.
type KeyPage struct {
	Keys  []APIKey
	More  bool // whether older ones follow
	Total int  // on all pages
}

// Page lists keys, the newest first, those that have ended among them.
func (k *Keyring) Page(ctx context.Context, first int, before *uuid.UUID) (page KeyPage, err error) {
	if first < 1 || first > maxKeyPage {
		return page, fault.Input("first", "Between 1 and %d are allowed.", maxKeyPage)
	}
	arg := dbsqlc.APIKeyPageParams{Most: int64(first) + 1} // one more tells whether more follow
	if before != nil {
		arg.Before = orNone(*before)
	}
	err = k.read(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().APIKeyPage(ctx, tx, arg)
		if err != nil {
			return err
		}
		for _, r := range rows[:min(len(rows), first)] {
			page.Keys = append(page.Keys, keyOf(dbsqlc.APIKeyListByIDsRow(r)))
		}
		page.More = len(rows) > first
		total, err := dbsqlc.New().APIKeyCount(ctx, tx)
		page.Total = int(total)
		return err
	})
	return page, err
}

// ByIDs finds several keys at once. What is not this tenant's is not found.
func (k *Keyring) ByIDs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]APIKey, error) {
	found := make(map[uuid.UUID]APIKey, len(ids))
	err := k.read(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().APIKeyListByIDs(ctx, tx, ids)
		for _, r := range rows {
			found[r.ApiKeyID] = keyOf(r)
		}
		return err
	})
	return found, err
}

func (k *Keyring) read(ctx context.Context, fn func(tx pgx.Tx) error) error {
	who, err := Require(ctx, ManageKeys)
	if err != nil {
		return err
	}
	topic.Note(ctx, topic.All(who.Tenant, topic.APIKey))
	topic.Note(ctx, topic.All(who.Tenant, topic.KeyUse))
	if err := k.app.Read(ctx, who.Tenant, fn); err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	return nil
}

func keyOf(r dbsqlc.APIKeyListByIDsRow) APIKey {
	key := APIKey{
		ID: r.ApiKeyID, Kind: Kind(r.Kind), Name: r.Name, Prefix: r.Prefix, Permissions: mayOf(Kind(r.Kind), r.Permissions),
		Origins: r.Origins, CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy, ExpiresAt: r.ExpiresAt,
		RevokedAt: r.RevokedAt, RevokedReason: r.RevokedReason, Rotates: r.Rotates, UsedAt: r.UsedAt,
	}
	if r.Network != nil {
		from := r.Network.String()
		key.UsedFrom = &from
	}
	return key
}

// madeKey is what can be told of a key that has just been made.
func madeKey(row dbsqlc.APIKeyCreateParams, now time.Time) APIKey {
	return keyOf(dbsqlc.APIKeyListByIDsRow{
		ApiKeyID: row.ApiKeyID, Kind: row.Kind, Name: row.Name, Prefix: row.Prefix, Permissions: row.Permissions,
		Origins: row.Origins, CreatedAt: now, CreatedBy: row.CreatedBy, ExpiresAt: row.ExpiresAt, Rotates: row.Rotates,
	})
}

// mayOf is what a key of a kind may do that was stored with these permissions; nil: with all.
func mayOf(kind Kind, stored []string) Permissions {
	if stored == nil {
		return kind.Permissions()
	}
	return permissionsOf(stored).Implied() & kind.Permissions()
}

func permissionsOf(names []string) (set Permissions) {
	for _, name := range names {
		set |= Of(Permission(name))
	}
	return set
}

// told is what the audit keeps of a key.
func (k APIKey) told() map[string]any {
	return map[string]any{
		"kind": k.Kind, "name": k.Name, "permissions": k.Permissions.List(), "origins": k.Origins, "expiresAt": k.ExpiresAt,
	}
}
