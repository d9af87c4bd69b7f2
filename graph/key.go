package graph

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

func keyKey(k *access.APIKey) string { return k.ID.String() }

func (r *Resolver) apiKeys(ctx context.Context, first int, after *string) (*model.APIKeyConnection, error) {
	before, err := placeOf(after, func(key string) (uuid.UUID, bool) {
		id, err := parseUUID(key)
		return id, err == nil
	})
	if err != nil {
		return nil, err
	}
	page, err := r.Keyring.Page(ctx, first, before)
	if err != nil {
		return nil, err
	}
	c := &model.APIKeyConnection{TotalCount: page.Total}
	c.Edges, c.Nodes, c.PageInfo = connect[model.APIKeyEdge](ctx, page.Keys, page.More, after, keyKey)
	return c, nil
}

func (r *Resolver) createKey(ctx context.Context, draft access.KeyDraft, permissions []access.Permission) (*model.NewAPIKey, error) {
	if permissions != nil {
		if draft.Permissions = access.Of(permissions...); draft.Permissions == 0 {
			return nil, fault.Input("permissions", "Name one at least, or leave them out for all that the kind may.")
		}
	}
	secret, key, err := r.Keyring.Create(ctx, draft)
	if err != nil {
		return nil, err
	}
	return &model.NewAPIKey{Secret: secret, Key: &key}, nil
}

func (r *Resolver) rotateKey(ctx context.Context, id string, overlapHours int, expiresAt *time.Time) (*model.NewAPIKey, error) {
	old, err := keyOfID(id)
	if err != nil {
		return nil, err
	}
	// Bounded before it is multiplied, which could overflow.
	overlap := time.Duration(min(max(overlapHours, -1), 1_000_000)) * time.Hour
	secret, key, err := r.Keyring.Rotate(ctx, old, overlap, expiresAt)
	if err != nil {
		return nil, err
	}
	return &model.NewAPIKey{Secret: secret, Key: &key}, nil
}

// keyOfID reads an argument that must be the id of a key.
func keyOfID(id string) (uuid.UUID, error) {
	kind, key, err := parseNodeID(id)
	if err != nil || kind != keyNode {
		return uuid.Nil, errNoNode
	}
	return parseUUID(key)
}

func (r *Resolver) findKey(ctx context.Context, id uuid.UUID) (*access.APIKey, error) {
	key, err := loader.From(ctx).APIKey.Load(ctx, id)()
	if err != nil || key == nil {
		return nil, cmp.Or(err, error(errNoNode))
	}
	return key, nil
}

// The kinds in the schema are written as ours are, in capitals.
func toKeyKind(k access.Kind) model.APIKeyKind   { return model.APIKeyKind(strings.ToUpper(string(k))) }
func fromKeyKind(k model.APIKeyKind) access.Kind { return access.Kind(strings.ToLower(string(k))) }
