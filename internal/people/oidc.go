package people

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/mail"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// How long one sign-in at a provider may take, and what comes of it lasts.
const (
	visitFor = 10 * time.Minute
	codeFor  = time.Minute
)

// visit is what is remembered of a browser that was sent to a provider, sealed, in a cookie of
// that browser: so nobody else's answer is taken for its own (RFC 9700, 2.1 and 4.7).
type visit struct {
	Tenant    uuid.UUID `json:"t"`
	Provider  uuid.UUID `json:"p"`
	State     string    `json:"s"`
	Nonce     string    `json:"n"`
	Verifier  string    `json:"v"`
	Challenge []byte    `json:"c"`
	Until     time.Time `json:"u"`
}

var visitContext = []byte("oidc visit")

var (
	errNoProvider = fault.New(fault.NotFound, "There is no such provider.")
	errChallenge  = fault.Input("challenge", "The challenge is the SHA-256 of a verifier of 43 to 128 characters, in base64url (RFC 7636).")
	errVisit      = fault.New(fault.Unauthenticated, "The sign-in took too long, or was begun elsewhere. Begin again.")
	errNotLetIn   = fault.New(fault.Forbidden, "This provider may not vouch for this address here, or nobody has invited it.")
	errProvider   = fault.New(fault.Unavailable, "The provider of identities does not answer as it should.")
)

// connection is a provider as it is spoken to.
type connection struct {
	row      dbsqlc.IdentityProviderGetRow
	provider *oidc.Provider
	oauth    oauth2.Config
}

// connect finds a provider, and asks it what it is.
func (s *Service) connect(ctx context.Context, in tenant.ID, id uuid.UUID) (c connection, err error) {
	err = s.access.InTenant(ctx, in, func(tx pgx.Tx) error {
		c.row, err = dbsqlc.New().IdentityProviderGet(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoProvider
		}
		return err
	})
	if err != nil {
		return c, err
	}
	if c.provider, err = s.providers.find(ctx, c.row.Issuer); err != nil {
		return c, errProvider.Because(err)
	}
	key, err := s.vault.Open(c.row.SealedClientSecret, ProviderPlace.Context(in.String(), id.String()))
	if err != nil {
		return c, fmt.Errorf("open client secret: %w", err)
	}
	c.oauth = oauth2.Config{
		ClientID: c.row.ClientID, ClientSecret: string(key), Endpoint: c.provider.Endpoint(),
		RedirectURL: s.serverURL.JoinPath("auth", "oidc", "callback").String(),
		Scopes:      []string{oidc.ScopeOpenID, "email", "profile"},
	}
	return c, nil
}

// StartVisit begins a sign-in at a provider: where the browser goes, and what it keeps in a
// cookie meanwhile. The challenge is the app's, whose verifier has to come with the code.
func (s *Service) StartVisit(ctx context.Context, in tenant.ID, provider uuid.UUID, challenge string) (to, cookie string, err error) {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(sum) != sha256.Size {
		return "", "", errChallenge
	}
	c, err := s.connect(ctx, in, provider)
	if err != nil {
		return "", "", err
	}
	v := visit{uuid.UUID(in), provider, oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), sum, s.now().Add(visitFor)}
	plain, err := json.Marshal(v)
	if err != nil {
		return "", "", fmt.Errorf("write visit: %w", err)
	}
	sealed, err := s.vault.Seal(plain, visitContext)
	if err != nil {
		return "", "", err
	}
	to = c.oauth.AuthCodeURL(v.State, oidc.Nonce(v.Nonce), oauth2.S256ChallengeOption(v.Verifier))
	return to, base64.RawURLEncoding.EncodeToString(sealed), nil
}

// openVisit reads the cookie of a browser that comes back.
func (s *Service) openVisit(cookie, state string) (v visit, err error) {
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return v, errVisit
	}
	plain, err := s.vault.Open(sealed, visitContext)
	if err != nil {
		return v, errVisit.Because(err)
	}
	if err := json.Unmarshal(plain, &v); err != nil {
		return v, errVisit.Because(err)
	}
	if s.now().After(v.Until) || subtle.ConstantTimeCompare([]byte(v.State), []byte(state)) != 1 {
		return visit{}, errVisit
	}
	return v, nil
}

// vouched is what a provider says of somebody.
type vouched struct {
	Subject  string   `json:"sub"`
	Email    string   `json:"email"`
	Verified flexible `json:"email_verified"`
	Name     string   `json:"name"`
}

// flexible is a truth that some providers write as a text.
type flexible bool

// UnmarshalJSON implements [json.Unmarshaler].
func (f *flexible) UnmarshalJSON(data []byte) error {
	*f = flexible(string(data) == "true" || string(data) == `"true"`)
	return nil
}

// FinishVisit takes what a provider sent a browser back with, and gives a code that the app
// exchanges for tokens. issuer is what the answer says of its origin, if it does (RFC 9207).
func (s *Service) FinishVisit(ctx context.Context, cookie, state, code, issuer string) (string, error) {
	v, err := s.openVisit(cookie, state)
	if err != nil {
		return "", err
	}
	in := tenant.ID(v.Tenant)
	c, err := s.connect(ctx, in, v.Provider)
	if err != nil {
		return "", err
	}
	if code == "" || issuer != "" && issuer != c.row.Issuer {
		return "", errVisit
	}
	says, err := s.ask(ctx, c, v, code)
	if err != nil {
		return "", err
	}
	says.Email = normalEmail(says.Email)
	if !c.vouchesFor(says) {
		return "", errors.Join(s.notLetIn(ctx, in, v.Provider), errNotLetIn)
	}
	return s.letIn(ctx, in, c, v, says)
}

// ask exchanges the provider's code, and verifies what it says.
func (s *Service) ask(ctx context.Context, c connection, v visit, code string) (says vouched, err error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, s.providers.client), providerWithin)
	defer cancel()
	token, err := c.oauth.Exchange(ctx, code, oauth2.VerifierOption(v.Verifier))
	if err != nil {
		return says, errProvider.Because(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return says, errProvider.Because(errors.New("there is no id_token"))
	}
	verified, err := c.provider.Verifier(&oidc.Config{ClientID: c.row.ClientID, Now: s.now}).Verify(ctx, raw)
	if err != nil {
		return says, errProvider.Because(err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(v.Nonce)) != 1 {
		return says, errVisit
	}
	if err := verified.Claims(&says); err != nil {
		return says, errProvider.Because(err)
	}
	says.Subject = verified.Subject
	return says, nil
}

// vouchesFor reports whether the provider may say of somebody that they have this address, and
// does.
func (c connection) vouchesFor(says vouched) bool {
	_, domain, found := strings.Cut(says.Email, "@")
	return found && bool(says.Verified) && mail.CheckAddress(says.Email) == nil && says.Subject != "" && len(says.Subject) <= 255 &&
		slices.Contains(c.row.AllowedDomains, domain)
}

// notLetIn leaves a line in the tenant's log.
func (s *Service) notLetIn(ctx context.Context, in tenant.ID, provider uuid.UUID) error {
	return s.access.InTenant(ctx, in, func(tx pgx.Tx) error {
		return audit.Write(audit.WithActor(ctx, audit.Actor{Kind: audit.Nobody}), tx,
			audit.Entry{Action: audit.SignInFailed, Target: providerTarget(provider), After: map[string]any{"by": "provider"}})
	})
}

// letIn finds or makes the member that a provider vouches for, and a code for the app.
func (s *Service) letIn(ctx context.Context, in tenant.ID, c connection, v visit, says vouched) (string, error) {
	code, hash, err := newToken(codePrefix, uuid.UUID(in))
	if err != nil {
		return "", err
	}
	err = s.access.InTenant(ctx, in, func(tx pgx.Tx) error {
		if err := dbsqlc.New().MemberTakeTurn(ctx, tx); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		login, err := knownAs(ctx, tx, c, says)
		if err != nil {
			return err
		}
		joined, err := joinBy(ctx, tx, c, login)
		if err != nil {
			return err
		}
		err = dbsqlc.New().SignInCodeCreate(ctx, tx, dbsqlc.SignInCodeCreateParams{
			CodeHash: hash, LoginID: login, ProviderID: c.row.ProviderID, Challenge: v.Challenge, ExpiresAt: s.now().Add(codeFor),
		})
		if err != nil {
			return fmt.Errorf("create sign-in code: %w", err)
		}
		if !joined {
			return nil
		}
		return audit.Write(audit.WithActor(ctx, audit.Actor{Kind: audit.Member, ID: login}), tx,
			audit.Entry{Action: audit.InvitationAccepted, Target: providerTarget(c.row.ProviderID), After: map[string]any{"member": login}})
	})
	if errors.Is(err, errNotLetIn) {
		return "", errors.Join(s.notLetIn(ctx, in, v.Provider), errNotLetIn)
	}
	return code, err
}

// knownAs finds the login of a provider's subject, or links the one that has the address, or
// makes one. A subject is one login for good, and a login one subject.
func knownAs(ctx context.Context, tx pgx.Tx, c connection, says vouched) (uuid.UUID, error) {
	queries := dbsqlc.New()
	login, err := queries.ProviderIdentityGet(ctx, tx, dbsqlc.ProviderIdentityGetParams{ProviderID: c.row.ProviderID, Subject: says.Subject})
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return login, err
	}
	known, err := queries.LoginByEmail(ctx, tx, says.Email)
	login = known.LoginID
	if errors.Is(err, pgx.ErrNoRows) {
		if !c.row.DefaultRoleID.Valid {
			return login, errNotLetIn
		}
		name := mail.Line(says.Name, 200)
		if checkName("name", name, 200) != nil {
			name = says.Email
		}
		login, err = makeLogin(ctx, tx, says.Email, name, nil)
	}
	if err != nil {
		return login, err
	}
	linked, err := queries.ProviderIdentityLink(ctx, tx, dbsqlc.ProviderIdentityLinkParams{ProviderID: c.row.ProviderID, Subject: says.Subject, LoginID: login})
	if err != nil {
		return login, fmt.Errorf("link identity: %w", err)
	}
	if linked == 0 { // the address has changed hands at the provider
		return login, errNotLetIn
	}
	return login, nil
}

// joinBy makes a login a member, if the provider may; whoever was removed stays outside.
func joinBy(ctx context.Context, tx pgx.Tx, c connection, login uuid.UUID) (joined bool, err error) {
	_, _, err = access.MemberPrincipal(ctx, tx, login)
	if !errors.Is(err, access.ErrNoMember) {
		return false, err
	}
	removed, err := dbsqlc.New().MemberWasRemoved(ctx, tx, login)
	if err != nil {
		return false, fmt.Errorf("look for member: %w", err)
	}
	if removed || !c.row.DefaultRoleID.Valid {
		return false, errNotLetIn
	}
	if err := dbsqlc.New().MemberJoin(ctx, tx, dbsqlc.MemberJoinParams{LoginID: login, RoleID: c.row.DefaultRoleID.UUID}); err != nil {
		return false, fmt.Errorf("join: %w", err)
	}
	_, _, err = access.MemberPrincipal(ctx, tx, login) // not while the tenant is suspended
	if errors.Is(err, access.ErrNoMember) {
		return false, errNotLetIn
	}
	return true, err
}

var errCodeOver = fault.New(fault.Unauthenticated, "The code is not, or no longer, good. Begin again.").In("code")

// ExchangeCode gives tokens for the code of a visit, to the app that began it. Where the
// provider does not count as a second factor, whoever has one is asked for it.
func (s *Service) ExchangeCode(ctx context.Context, code, verifier string) (Tokens, error) {
	id, hash, ok := parseToken(codePrefix, code)
	if !ok {
		return Tokens{}, errCodeOver
	}
	in := tenant.ID(id)
	var used dbsqlc.SignInCodeUseRow
	var counts bool
	err := s.access.InTenant(ctx, in, func(tx pgx.Tx) (err error) {
		used, err = dbsqlc.New().SignInCodeUse(ctx, tx, hash)
		if errors.Is(err, pgx.ErrNoRows) {
			return errCodeOver
		}
		if err != nil {
			return fmt.Errorf("use sign-in code: %w", err)
		}
		provider, err := dbsqlc.New().IdentityProviderGet(ctx, tx, used.ProviderID)
		counts = provider.SecondFactor
		if errors.Is(err, pgx.ErrNoRows) {
			return errCodeOver
		}
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	// The code is used up all the same: whoever has it without the verifier is not the app.
	if sum := sha256.Sum256([]byte(verifier)); subtle.ConstantTimeCompare(sum[:], used.Challenge) != 1 {
		return Tokens{}, errCodeOver
	}
	return s.admit(ctx, in, start{login: used.LoginID, provider: used.ProviderID, secondFactor: counts})
}
