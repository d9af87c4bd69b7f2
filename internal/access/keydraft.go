package access

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// EmbedSecrets is where the secrets of embed keys stand, sealed.
var EmbedSecrets = secret.Place{
	Table: "api_key", Column: "sealed_secret", Key: []string{"tenant_id", "api_key_id"}, Role: "tidemark_worker", Prefix: "embed/",
}

// The bounds of keys.
const (
	maxOrigins    = 20
	maxLivingKeys = 500
	maxKeyLife    = 10 * 365 * 24 * time.Hour
)

// KeyDraft is a key to be made.
type KeyDraft struct {
	Kind Kind
	Name string
	// Permissions are what it may do, of what its kind may; none: all of that.
	Permissions Permissions
	// Origins are the pages that may send with a publishable key, such as
	// https://www.example.com; none: any.
	Origins []string
	// ExpiresAt is when it ends; nil: when it is revoked.
	ExpiresAt *time.Time

	source  string    // under which its message ids are unique; empty: the default
	rotates uuid.UUID // the key that it follows; none
	by      uuid.UUID // who makes it; none: the operator
}

// May is what the key may do.
func (d KeyDraft) May() Permissions {
	if d.Permissions == 0 {
		return d.Kind.Permissions()
	}
	return d.Permissions.Implied() & d.Kind.Permissions()
}

// check holds a draft against the rules. Its faults name the input's fields.
func (d KeyDraft) check() error {
	if err := checkName(d.Name); err != nil {
		return err
	}
	if _, ok := prefixes[d.Kind]; !ok {
		return fault.Input("kind", "There is no such kind of key.")
	}
	if !d.Kind.Permissions().Contains(d.Permissions) {
		return fault.Input("permissions", "A key of this kind may have these alone: %s.", strings.Join(d.Kind.Permissions().names(), ", "))
	}
	if len(d.Origins) > 0 && d.Kind != PublishKey {
		return fault.Input("origins", "Only a publishable key has origins.")
	}
	if len(d.Origins) > maxOrigins {
		return fault.Input("origins", "At most %d are allowed.", maxOrigins)
	}
	for _, origin := range d.Origins {
		if !isOrigin(origin) {
			return fault.Input("origins", "An origin is a scheme and a host, such as https://www.example.com, without a path.")
		}
	}
	return nil
}

// isOrigin takes an origin in the one form that browsers send (RFC 6454, section 6.2).
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= 300 && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		u.User == nil && text == u.Scheme+"://"+strings.ToLower(u.Host)
}

// checkExpiry holds the end of a key against the clock that ends it.
func (d KeyDraft) checkExpiry(now time.Time) error {
	if d.ExpiresAt != nil && (!d.ExpiresAt.After(now) || d.ExpiresAt.After(now.Add(maxKeyLife))) {
		return fault.Input("expiresAt", "A key ends in the future, and within ten years.")
	}
	return nil
}

// make makes the key: its text, which is shown once, and what is stored of it.
func (d KeyDraft) make(of tenant.ID, vault *secret.Vault) (string, dbsqlc.APIKeyCreateParams, error) {
	var row dbsqlc.APIKeyCreateParams
	id, err := uuid.NewV7()
	if err != nil {
		return "", row, err
	}
	key, err := NewKey(d.Kind, id)
	if err != nil {
		return "", row, err
	}
	hash := hashOf(key)
	row = dbsqlc.APIKeyCreateParams{
		TenantID: of, ApiKeyID: id, Kind: dbsqlc.ApiKeyKind(d.Kind), Name: d.Name, Source: "default",
		Hash: hash[:], Prefix: key[:shownLength], Origins: slices.Clone(d.Origins), ExpiresAt: d.ExpiresAt,
		Rotates: orNone(d.rotates), CreatedBy: orNone(d.by),
	}
	if row.Origins == nil {
		row.Origins = []string{}
	}
	if d.source != "" {
		row.Source = d.source
	}
	if d.Permissions != 0 {
		row.Permissions = d.May().names()
	}
	if d.Kind == EmbedKey {
		row.SealedSecret, err = sealEmbed(vault, of, id, key)
	}
	return key, row, err
}

var errNoVault = fault.New(fault.Unavailable, "This server has no secret keys, and so cannot keep an embed key.")

func sealEmbed(vault *secret.Vault, of tenant.ID, id uuid.UUID, key string) ([]byte, error) {
	if vault == nil {
		return nil, errNoVault
	}
	return vault.Seal([]byte(key), EmbedSecrets.Context(of.String(), id.String()))
}

func orNone(id uuid.UUID) uuid.NullUUID { return uuid.NullUUID{UUID: id, Valid: id != uuid.Nil} }
