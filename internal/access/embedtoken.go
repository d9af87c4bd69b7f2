package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// An embed token is a JSON Web Token (RFC 7519) that a customer's backend signs with the
// secret of an embed key, and hands to a browser. It is taken as RFC 8725 advises: there is
// one algorithm, which the token does not choose (3.1); its type and its audience are its own,
// so that no other token passes for one (3.9, 3.11, 3.12); its key is named by the id of an
// embed key and by nothing else (3.10); and what is not known in it, or said twice, refuses
// it: a restriction that is spelled wrongly must not be one that is not there.
const (
	embedType     = "embed+jwt"
	embedAudience = "tidemark-embed"
	embedLife     = time.Hour
	embedSkew     = time.Minute // by which the signer's clock may be ahead
	maxToken      = 4 << 10     // bytes
	maxNamed      = 50          // metrics, and reports
)

// errBadToken is the one answer to a token that nobody has signed whom we know.
var errBadToken = fault.New(fault.Unauthenticated, "The token is not valid.")

// IsEmbedToken reports whether this says of itself that it is an embed token. Whether it is
// one is for Token to find out.
func IsEmbedToken(bearer string) bool {
	text, _, found := strings.Cut(bearer, ".")
	if !found || len(text) > maxToken {
		return false
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	var head embedHead
	return err == nil && json.Unmarshal(decoded, &head) == nil && head.Type == embedType
}

// embedToken is a token that has the right shape, and is not verified yet.
type embedToken struct {
	key       uuid.UUID
	claims    embedClaims
	signed    string // what the signature is of
	signature []byte
}

type embedHead struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
	Key       string `json:"kid"`
}

// embedClaims are all that a token may say (RFC 7519, section 4.1, and ours). Times are whole
// seconds since 1970.
type embedClaims struct {
	Issuer    string         `json:"iss"` // for the signer's own use, as sub and jti are
	Subject   string         `json:"sub"`
	ID        string         `json:"jti"`
	Audience  jsontext.Value `json:"aud"`
	Expires   *int64         `json:"exp"`
	NotBefore *int64         `json:"nbf"`
	Issued    *int64         `json:"iat"`
	Metrics   []string       `json:"metrics"`
	Reports   []string       `json:"reports"`
	Filters   *embedFilters  `json:"filters"`
}

// embedFilters fix what is counted: of all events those of one account, or with certain
// properties.
type embedFilters struct {
	Account *struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"account"`
	Properties map[string]jsontext.Value `json:"properties"` // a value, or a list of which it is one
}

// parseEmbedToken looks at a token's shape alone. Why it is refused is not told.
func parseEmbedToken(text string) (t embedToken, ok bool) {
	if len(text) > maxToken {
		return t, false
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return t, false
	}
	var head embedHead
	if !decodePart(parts[0], &head) || head.Algorithm != "HS256" || head.Type != embedType || !decodePart(parts[1], &t.claims) {
		return t, false
	}
	var err error
	if t.key, err = uuid.Parse(head.Key); err != nil {
		return t, false
	}
	t.signed = parts[0] + "." + parts[1]
	t.signature, err = base64.RawURLEncoding.Strict().DecodeString(parts[2])
	return t, err == nil
}

// decodePart reads an object of which every member is known, and none is there twice.
func decodePart(part string, into any) bool {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil && json.Unmarshal(text, into, json.RejectUnknownMembers(true)) == nil
}

// signer is an embed key that signs tokens.
type signer struct {
	Principal
	secret []byte
	ended  Misuse
}

// nobody is verified against where there is no such key, so that it takes as long.
var nobody = signer{secret: make([]byte, 32)}

// verify reports whether the signer has signed the token. Nobody has.
func (s signer) verify(t embedToken) bool {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(t.signed))
	return hmac.Equal(mac.Sum(nil), t.signature) && s.Tenant != tenant.None
}

// Token returns who bears an embed token.
func (a *Authenticator) Token(ctx context.Context, text string) (Principal, error) {
	t, ok := parseEmbedToken(text)
	if !ok {
		return Principal{}, errBadToken
	}
	by, err := a.signer(ctx, t.key)
	if err != nil {
		return Principal{}, err
	}
	if !by.verify(t) {
		return Principal{}, errBadToken
	}
	if by.ended != "" {
		a.witness.Misused(ctx, by.Principal, by.ended)
		return Principal{}, errBadToken
	}
	if err := t.claims.check(time.Now()); err != nil {
		return Principal{}, err
	}
	who, err := by.bearer(t.claims)
	if err == nil {
		a.witness.Used(ctx, by.Principal)
	}
	return who, err
}

// RecheckToken returns what asks the database again who the bearer of a token is. The time of
// the token itself is the watcher's to look at.
func (a *Authenticator) RecheckToken(text string) Recheck {
	return func(ctx context.Context) (Principal, error) {
		t, _ := parseEmbedToken(text)
		by, err := a.lookUpSigner(ctx, t.key)
		if err != nil {
			return Principal{}, err
		}
		if !by.verify(t) || by.ended != "" {
			return Principal{}, errBadToken
		}
		return by.bearer(t.claims)
	}
}

func (a *Authenticator) signer(ctx context.Context, id uuid.UUID) (signer, error) {
	if by, ok := a.signers.GetIfPresent(id); ok && !by.over(time.Now()) {
		return by, nil
	}
	by, err := a.lookUpSigner(ctx, id)
	if err == nil && by.Tenant != tenant.None {
		a.signers.Set(id, by)
	}
	return by, err
}

// lookUpSigner finds an embed key by its id; nobody, where there is none or its tenant is
// suspended.
func (a *Authenticator) lookUpSigner(ctx context.Context, id uuid.UUID) (by signer, err error) {
	var row dbsqlc.APIKeyOfTokenRow
	queries := dbsqlc.New()
	err = a.app.WithEmbedKey(ctx, id, func(tx pgx.Tx) error {
		return admitted(ctx, tx, func(db dbsqlc.DBTX) (err error) {
			row, err = queries.APIKeyOfToken(ctx, db, id)
			return err
		}, func(db dbsqlc.DBTX) error { return queries.APIKeyOfTokenEnter(ctx, db, id) })
	})
	if f, ok := fault.Of(err); ok && f.Code == fault.Unauthenticated {
		return nobody, nil
	}
	if err != nil {
		return by, fmt.Errorf("authenticate token: %w", err)
	}
	return a.signerOf(row)
}

func (a *Authenticator) signerOf(row dbsqlc.APIKeyOfTokenRow) (by signer, err error) {
	if a.vault == nil {
		return by, errNoVault
	}
	by.secret, err = a.vault.Open(row.SealedSecret, EmbedSecrets.Context(row.TenantID.String(), row.ApiKeyID.String()))
	if err != nil {
		return by, fmt.Errorf("open embed key: %w", err)
	}
	by.Principal = Principal{Tenant: row.TenantID, Kind: EmbedKey, ID: row.ApiKeyID, Permissions: EmbedKey.Permissions(), Source: row.Source}
	if row.ExpiresAt != nil {
		by.Expires = *row.ExpiresAt
	}
	by.ended = ended(row.Revoked, row.Expired)
	return by, nil
}

// bearer is who bears a token with these claims.
func (s signer) bearer(claims embedClaims) (Principal, error) {
	who := s.Principal
	who.Embed = newEmbed(claims.Metrics, claims.Reports)
	who.Narrow = who.Embed.key()
	if at := time.Unix(*claims.Expires, 0); who.Expires.IsZero() || at.Before(who.Expires) {
		who.Expires = at
	}
	rows, err := claims.Filters.rows()
	who.Rows = rows
	return who, err
}
