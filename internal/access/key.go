package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// prefixes let people, and secret scanners, tell what they have found.
var prefixes = map[Kind]string{
	WriteKey: "tmw_", ReadKey: "tmr_", ManageKey: "tmm_", PublishKey: "tmp_", EmbedKey: "tme_",
}

// keyBytes is how much of a key is random, so that a plain hash is enough to store.
const keyBytes = 32

// shownLength is how much of a key is kept readable, for people to tell keys apart.
const shownLength = 10

// NewKey makes a key of a kind. The caller shows it once; the database keeps its hash. An
// embed key names itself, in hexadecimal before its secret: who signs with it has to.
func NewKey(kind Kind, id uuid.UUID) (string, error) {
	prefix, ok := prefixes[kind]
	if !ok {
		return "", fault.Input("kind", "There is no such kind of key.")
	}
	random := make([]byte, keyBytes)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	if kind == EmbedKey {
		prefix += hex.EncodeToString(id[:]) + "_"
	}
	return prefix + base64.RawURLEncoding.EncodeToString(random), nil
}

func hashOf(key string) [32]byte { return sha256.Sum256([]byte(key)) }

// CreateKey makes a key for a tenant and stores it hashed, for whoever keeps house.
func CreateKey(ctx context.Context, worker *postgres.Worker, id tenant.ID, kind Kind, name string) (string, error) {
	return CreateKeyAs(ctx, worker, nil, id, KeyDraft{Kind: kind, Name: name})
}

// KeyLives reports whether a key is known, and neither revoked nor expired.
func KeyLives(ctx context.Context, worker *postgres.Worker, key string) (lives bool, err error) {
	hash := hashOf(key)
	err = worker.InTx(ctx, func(tx pgx.Tx) error {
		lives, err = dbsqlc.New().APIKeyExists(ctx, tx, hash[:])
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for key: %w", err)
	}
	return lives, nil
}

// RevokeKeys ends all of a tenant's living keys of a name, and returns how many.
func RevokeKeys(ctx context.Context, worker *postgres.Worker, id tenant.ID, name string) (int64, error) {
	var revoked []uuid.UUID
	err := worker.InTx(ctx, func(tx pgx.Tx) (err error) {
		revoked, err = dbsqlc.New().APIKeyRevokeByName(ctx, tx, dbsqlc.APIKeyRevokeByNameParams{TenantID: id, Name: name})
		for _, key := range revoked {
			if err == nil {
				err = audit.Write(ctx, tx, audit.Entry{Action: audit.KeyRevoked, Target: keyTarget(key), Tenant: id, Before: map[string]any{"name": name}})
			}
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("revoke keys: %w", err)
	}
	return int64(len(revoked)), nil
}
