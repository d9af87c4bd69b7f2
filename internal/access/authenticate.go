package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

// How long, and for how many keys, an answer of the database is believed. A revoked key
// works for at most this long.
const (
	believedFor  = time.Second
	believedKeys = 10_000
)

// maxKeyLength is longer than any key.
const maxKeyLength = 200

// Authenticator finds out whose key, or embed token, it is.
type Authenticator struct {
	app     *postgres.App
	vault   *secret.Vault
	witness *Witness
	known   *otter.Cache[[32]byte, holder]
	signers *otter.Cache[uuid.UUID, signer]
}

// holder is whoever holds a key.
type holder struct {
	Principal
	origins []string
	ended   Misuse // why the key is good for nothing any more; empty: it is
}

// NewAuthenticator makes one. It believes an answer for a second. Without a vault it knows no
// embed tokens; without a witness it tells nobody of how keys are used.
func NewAuthenticator(app *postgres.App, vault *secret.Vault, witness *Witness) *Authenticator {
	return &Authenticator{app, vault, witness,
		otter.Must(&otter.Options[[32]byte, holder]{
			MaximumSize: believedKeys, ExpiryCalculator: otter.ExpiryWriting[[32]byte, holder](believedFor),
		}),
		otter.Must(&otter.Options[uuid.UUID, signer]{
			MaximumSize: believedKeys, ExpiryCalculator: otter.ExpiryWriting[uuid.UUID, signer](believedFor),
		}),
	}
}

// The one answer to a key that is unknown, revoked, expired or malformed: it does not tell
// which.
var errUnknown = fault.New(fault.Unauthenticated, "The key is not valid.")

// Key returns whose key it is, where any key may be used; a publishable one is for the paths
// for events alone.
func (a *Authenticator) Key(ctx context.Context, key string) (Principal, error) {
	held, err := a.holder(ctx, key)
	if err != nil {
		return Principal{}, err
	}
	if held.Kind == PublishKey {
		a.witness.Misused(ctx, held.Principal, WrongPlace)
		return Principal{}, fault.New(fault.Forbidden, "A publishable key sends events by the paths for them, and does nothing else.")
	}
	a.witness.Used(ctx, held.Principal)
	return held.Principal, nil
}

// Sender returns whose key it is, if it may send events from a page of this origin; the
// origin is empty where no browser is told of.
func (a *Authenticator) Sender(ctx context.Context, key, origin string) (Principal, error) {
	held, err := a.holder(ctx, key)
	if err != nil {
		return Principal{}, err
	}
	if !held.May(Ingest) {
		a.witness.Misused(ctx, held.Principal, WrongPlace)
		return Principal{}, Lacking(Ingest)
	}
	if len(held.origins) > 0 && !slices.Contains(held.origins, strings.ToLower(origin)) {
		a.witness.Misused(ctx, held.Principal, WrongOrigin)
		return Principal{}, fault.New(fault.Forbidden, "This key sends from pages of other origins.")
	}
	a.witness.Used(ctx, held.Principal)
	return held.Principal, nil
}

func (a *Authenticator) holder(ctx context.Context, key string) (holder, error) {
	if len(key) < shownLength || len(key) > maxKeyLength {
		return holder{}, errUnknown
	}
	// Only keys that live are remembered, so guesses can't push them out.
	hash := hashOf(key)
	if held, ok := a.known.GetIfPresent(hash); ok && !held.over(time.Now()) {
		return held, nil
	}
	held, err := a.lookUp(ctx, hash)
	if err != nil {
		return holder{}, err
	}
	if held.ended != "" {
		a.witness.Misused(ctx, held.Principal, held.ended)
		return holder{}, errUnknown
	}
	a.known.Set(hash, held)
	return held, nil
}

// over reports whether the principal has to prove afresh who they are.
func (p Principal) over(now time.Time) bool { return !p.Expires.IsZero() && !now.Before(p.Expires) }

// Recheck returns what asks the database again whose key it is.
func (a *Authenticator) Recheck(key string) Recheck {
	hash := hashOf(key)
	return func(ctx context.Context) (Principal, error) {
		held, err := a.lookUp(ctx, hash)
		if err == nil && held.ended != "" {
			err = errUnknown
		}
		return held.Principal, err
	}
}

func (a *Authenticator) lookUp(ctx context.Context, hash [32]byte) (held holder, err error) {
	queries := dbsqlc.New()
	err = a.app.WithKeyHash(ctx, hash, func(tx pgx.Tx) error {
		return admitted(ctx, tx, func(db dbsqlc.DBTX) error {
			row, err := queries.APIKeyAuthenticate(ctx, db, hash[:])
			if err == nil {
				held = holderOf(row)
			}
			return err
		}, func(db dbsqlc.DBTX) error { return queries.APIKeyEnter(ctx, db, hash[:]) })
	})
	if err != nil {
		return holder{}, fmt.Errorf("authenticate key: %w", err)
	}
	return held, nil
}

// admitted reads a key, makes the transaction its tenant's, and refuses a key that there is not
// or whose tenant is suspended; all in one trip.
func admitted(ctx context.Context, tx pgx.Tx, read, enter func(db dbsqlc.DBTX) error) error {
	err := postgres.Together(ctx, tx, read, enter, func(db dbsqlc.DBTX) error {
		admits, err := dbsqlc.New().TenantAdmits(ctx, db)
		if err == nil && !admits {
			return errUnknown
		}
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return errUnknown
	}
	return err
}

func holderOf(row dbsqlc.APIKeyAuthenticateRow) holder {
	kind := Kind(row.Kind)
	held := holder{
		Principal: Principal{
			Tenant: row.TenantID, ID: row.ApiKeyID, Kind: kind, Permissions: mayOf(kind, row.Permissions), Source: row.Source,
		},
		origins: row.Origins, ended: ended(row.Revoked, row.Expired),
	}
	if row.ExpiresAt != nil {
		held.Expires = *row.ExpiresAt
	}
	if kind == EmbedKey && held.ended == "" {
		held.ended = WrongPlace // it signs tokens, and whoever sends it itself has it from where it should not be
	}
	return held
}

func ended(revoked, expired bool) Misuse {
	switch {
	case revoked:
		return Revoked
	case expired:
		return Expired
	}
	return ""
}

// Forget drops what is remembered of all keys, so that a revocation counts at once.
func (a *Authenticator) Forget() {
	a.known.InvalidateAll()
	a.signers.InvalidateAll()
}

// Bearer takes the key out of an Authorization header of the form "Bearer KEY"
// (RFC 6750). It returns "" if there is none.
func Bearer(authorization string) string {
	scheme, key, ok := strings.Cut(strings.TrimSpace(authorization), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}
