package people

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// How long tokens last.
const (
	accessFor    = 15 * time.Minute
	challengeFor = 5 * time.Minute
)

// maxToken bounds what is parsed, in bytes; ours have some 500.
const maxToken = 2 << 10

// kind is a kind of signed token. Each has a key of its own, derived for it, and says what it
// is in its header (typ) and whom it is for (aud), so that none passes for another (RFC 8725,
// 3.11 and 3.12).
type kind struct {
	typ, audience, purpose string
	lasts                  time.Duration
}

var (
	accessToken = kind{"at+jwt", "tidemark-api", "access-token", accessFor} // typ: RFC 9068
	challenge   = kind{"challenge+jwt", "tidemark-second-factor", "second-factor-challenge", challengeFor}
)

const issuer = "tidemark"

// claims are what is signed. There are no permissions among them: those are looked up, so
// that a change of them acts at once.
type claims struct {
	jwt.RegisteredClaims
	Tenant  uuid.UUID `json:"tid"`
	Session uuid.UUID `json:"sid"`
	// Provider is whose word a challenge rests on.
	Provider uuid.UUID `json:"pid,omitzero"`
}

// identity is what a token says, once it has been verified.
type identity struct {
	login    uuid.UUID
	tenant   tenant.ID
	session  uuid.UUID
	provider uuid.UUID
	expires  time.Time
}

// signer signs tokens and verifies them, with keys from the vault.
type signer struct {
	keys map[kind][]secret.Derived // the current one first
	now  func() time.Time
}

func newSigner(vault *secret.Vault, now func() time.Time) *signer {
	s := &signer{keys: map[kind][]secret.Derived{}, now: now}
	for _, k := range []kind{accessToken, challenge} {
		s.keys[k] = vault.Derive(k.purpose)
	}
	return s
}

// sign makes a token of a kind.
func (s *signer) sign(k kind, i identity) (token string, expires time.Time, err error) {
	now := s.now().Truncate(time.Second)
	expires = now.Add(k.lasts)
	if !i.expires.IsZero() && i.expires.Before(expires) {
		expires = i.expires.Truncate(time.Second)
	}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{k.audience}, Subject: i.login.String(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires), ID: uuid.NewString(),
		},
		Tenant: uuid.UUID(i.tenant), Session: i.session, Provider: i.provider,
	})
	key := s.keys[k][0]
	t.Header["typ"], t.Header["kid"] = k.typ, key.ID
	token, err = t.SignedString(key.Key[:])
	if err != nil {
		return "", expires, fmt.Errorf("sign token: %w", err)
	}
	return token, expires, nil
}

var errToken = fault.New(fault.Unauthenticated, "The token is not valid, or has expired.")

// verify reads a token of a kind. Whatever is wrong with it, the error is the same
// UNAUTHENTICATED, and nothing has been looked up.
func (s *signer) verify(k kind, token string) (i identity, err error) {
	// Before anything is taken apart: a megabyte of dots costs nothing.
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return i, errToken
	}
	var c claims
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithAudience(k.audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(s.now),
	)
	if _, err := parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) { return s.key(k, t) }); err != nil {
		return i, errToken.Because(err)
	}
	i.login, err = uuid.Parse(c.Subject)
	if err != nil || c.IssuedAt == nil || c.ExpiresAt.Sub(c.IssuedAt.Time) > k.lasts {
		return i, errToken
	}
	i.tenant, i.session, i.provider, i.expires = tenant.ID(c.Tenant), c.Session, c.Provider, c.ExpiresAt.Time
	return i, nil
}

// key finds the key that a token names, among those of its kind alone.
func (s *signer) key(k kind, t *jwt.Token) (any, error) {
	if t.Header["typ"] != k.typ || t.Header["crit"] != nil {
		return nil, errors.New("another type of token")
	}
	for _, key := range s.keys[k] {
		if t.Header["kid"] == key.ID {
			return key.Key[:], nil
		}
	}
	return nil, errors.New("no key of ours")
}

// IsToken reports whether a text has the form of a signed token, rather than of a key.
func IsToken(text string) bool { return strings.HasPrefix(text, "ey") }
