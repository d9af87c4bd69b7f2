package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// prefixes let people, and secret scanners, tell what they have found.
var prefixes = map[Kind]string{WriteKey: "tmw_", ReadKey: "tmr_", ManageKey: "tmm_"}

// keyBytes is how much of a key is random, so that a plain hash is enough to store.
const keyBytes = 32

// shownLength is how much of a key is kept readable, for people to tell keys apart.
const shownLength = 10

// How long, and for how many keys, an answer of the database is believed. A revoked key
// works for at most this long.
const (
	believedFor  = time.Second
	believedKeys = 10_000
)

// NewKey makes a key of a kind. The caller shows it once; the database keeps its hash.
func NewKey(kind Kind) (string, error) {
	prefix, ok := prefixes[kind]
	if !ok {
		return "", fault.Input("kind", "A key is of kind write or read.")
	}
	random := make([]byte, keyBytes)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(random), nil
}

func hashOf(key string) [32]byte { return sha256.Sum256([]byte(key)) }

// CreateKey makes a key for a tenant and stores it hashed.
func CreateKey(ctx context.Context, worker *postgres.Worker, id tenant.ID, kind Kind, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	key, err := NewKey(kind)
	if err != nil {
		return "", err
	}
	keyID, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make key id: %w", err)
	}
	hash := hashOf(key)
	err = worker.InTx(ctx, func(tx pgx.Tx) error {
		err := dbsqlc.New().APIKeyCreate(ctx, tx, dbsqlc.APIKeyCreateParams{
			TenantID: id, ApiKeyID: keyID, Kind: dbsqlc.ApiKeyKind(kind), Name: name,
			Source: "default", Hash: hash[:], Prefix: key[:shownLength],
		})
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.KeyCreated, Target: audit.Target{Type: "key", ID: keyID.String()}, Tenant: id,
			After: map[string]any{"kind": kind, "name": name},
		})
	})
	if postgres.Refused(err) {
		return "", fault.New(fault.NotFound, "There is no such tenant.").In("tenant").Because(err)
	}
	if err != nil {
		return "", fmt.Errorf("create key: %w", err)
	}
	return key, nil
}

// KeyLives reports whether a key is known and not revoked.
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
func RevokeKeys(ctx context.Context, worker *postgres.Worker, id tenant.ID, name string) (revoked int64, err error) {
	err = worker.InTx(ctx, func(tx pgx.Tx) error {
		revoked, err = dbsqlc.New().APIKeyRevokeByName(ctx, tx, dbsqlc.APIKeyRevokeByNameParams{TenantID: id, Name: name})
		if err != nil || revoked == 0 {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.KeyRevoked, Target: audit.Target{Type: "key"}, Tenant: id,
			Before: map[string]any{"name": name, "keys": revoked},
		})
	})
	if err != nil {
		return 0, fmt.Errorf("revoke keys: %w", err)
	}
	return revoked, nil
}

// Authenticator finds out whose key it is.
type Authenticator struct {
	app   *postgres.App
	known *otter.Cache[[32]byte, Principal]
}

// NewAuthenticator makes one. It believes an answer for a second.
func NewAuthenticator(app *postgres.App) *Authenticator {
	return &Authenticator{app, otter.Must(&otter.Options[[32]byte, Principal]{
		MaximumSize:      believedKeys,
		ExpiryCalculator: otter.ExpiryWriting[[32]byte, Principal](believedFor),
	})}
}

var errUnknown = fault.New(fault.Unauthenticated, "The key is not valid.")

// Key returns whose key it is. A key that is unknown, revoked or malformed gives the
// same UNAUTHENTICATED.
func (a *Authenticator) Key(ctx context.Context, key string) (Principal, error) {
	if len(key) < shownLength || len(key) > 200 {
		return Principal{}, errUnknown
	}
	// Only keys that exist are remembered, so guesses can't push them out.
	hash := hashOf(key)
	if p, ok := a.known.GetIfPresent(hash); ok {
		return p, nil
	}
	p, err := a.lookUp(ctx, hash)
	if err != nil {
		return Principal{}, err
	}
	a.known.Set(hash, p)
	return p, nil
}

// Recheck returns what asks the database again whose key it is.
func (a *Authenticator) Recheck(key string) Recheck {
	hash := hashOf(key)
	return func(ctx context.Context) (Principal, error) { return a.lookUp(ctx, hash) }
}

func (a *Authenticator) lookUp(ctx context.Context, hash [32]byte) (p Principal, err error) {
	queries := dbsqlc.New()
	err = a.app.WithKeyHash(ctx, hash, func(tx pgx.Tx) error {
		row, err := queries.APIKeyAuthenticate(ctx, tx, hash[:])
		if errors.Is(err, pgx.ErrNoRows) {
			return errUnknown
		}
		if err != nil {
			return err
		}
		if err := queries.TenantEnter(ctx, tx, row.TenantID.String()); err != nil {
			return err
		}
		admits, err := queries.TenantAdmits(ctx, tx)
		if err == nil && !admits {
			return errUnknown
		}
		kind := Kind(row.Kind)
		p = Principal{Tenant: row.TenantID, ID: row.ApiKeyID, Kind: kind, Permissions: kind.Permissions(), Source: row.Source}
		return err
	})
	if err != nil {
		return Principal{}, fmt.Errorf("authenticate key: %w", err)
	}
	return p, nil
}

// Forget drops what is remembered of all keys, so that a revocation counts at once.
func (a *Authenticator) Forget() { a.known.InvalidateAll() }

// Bearer takes the key out of an Authorization header of the form "Bearer KEY"
// (RFC 6750). It returns "" if there is none.
func Bearer(authorization string) string {
	scheme, key, ok := strings.Cut(strings.TrimSpace(authorization), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}
