package people

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// ProviderPlace is where client secrets stand, for the rotation of keys.
var ProviderPlace = secret.Place{Table: "identity_provider", Column: "sealed_client_secret", Key: []string{"tenant_id", "provider_id"}, Role: "tidemark_worker", Prefix: "provider/"}

// Provider is where a tenant's people may prove who they are.
type Provider struct {
	ID             uuid.UUID
	Name, Issuer   string
	ClientID       string
	AllowedDomains []string
	DefaultRole    *Role // what somebody becomes who is no member yet; nil: only members are let in
	SecondFactor   bool  // whether a sign-in there counts as one with a second factor
	CreatedAt      time.Time
	StartURL       string // where a browser begins
}

// ProviderDraft is what a provider is to be.
type ProviderDraft struct {
	Name, Issuer           string
	ClientID, ClientSecret string
	AllowedDomains         []string
	DefaultRole            uuid.UUID // none: only members are let in
	SecondFactor           bool
}

const maxProviders = 10 // of a tenant

var domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// check says what is wrong with a draft, and writes its domains in one way.
func (d *ProviderDraft) check(allowPrivate bool) error {
	if err := checkName("name", d.Name, 100); err != nil {
		return err
	}
	u, err := url.Parse(d.Issuer)
	if err != nil || len(d.Issuer) > 500 || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (!allowPrivate || u.Scheme != "http") {
		return fault.Input("issuer", "An issuer is of the form https://host/path.")
	}
	if err := checkName("clientId", d.ClientID, 500); err != nil {
		return err
	}
	if err := checkName("clientSecret", d.ClientSecret, 1000); err != nil {
		return err
	}
	if len(d.AllowedDomains) < 1 || len(d.AllowedDomains) > 50 {
		return fault.Input("allowedDomains", "Between 1 and 50 domains are needed.")
	}
	domains := make([]string, len(d.AllowedDomains))
	for i, domain := range d.AllowedDomains {
		domains[i] = strings.ToLower(strings.TrimSpace(domain))
		if len(domain) > 253 || !domainForm.MatchString(domains[i]) {
			return fault.Input("allowedDomains", "A domain is of the form example.com.")
		}
	}
	d.AllowedDomains = domains
	return nil
}

var errOwnersAlone = fault.New(fault.Forbidden, "Only an owner connects a provider of identities: who runs it can sign in as any member with an address of its domains.")

// CreateProvider connects a provider of identities to the tenant that asks. It has to answer.
func (s *Service) CreateProvider(ctx context.Context, draft ProviderDraft) (p Provider, err error) {
	who, err := access.Require(ctx, access.ManageMembers)
	if err != nil {
		return p, err
	}
	if who.Builtin != access.Owner || who.Impersonator != uuid.Nil {
		return p, errOwnersAlone
	}
	if err := draft.check(s.providers.allowPrivate); err != nil {
		return p, err
	}
	if _, err := s.providers.find(ctx, draft.Issuer); err != nil {
		return p, fault.Input("issuer", "No provider of identities answers there.").Because(err)
	}
	id := uuid.New()
	sealed, err := s.vault.Seal([]byte(draft.ClientSecret), ProviderPlace.Context(who.Tenant.String(), id.String()))
	if err != nil {
		return p, err
	}
	err = s.manage(ctx, func(tx pgx.Tx, who access.Principal) error {
		if who.Builtin != access.Owner {
			return errOwnersAlone
		}
		p, err = s.storeProvider(ctx, tx, who, id, draft, sealed)
		return err
	})
	return p, err
}

func (s *Service) storeProvider(ctx context.Context, tx pgx.Tx, who access.Principal, id uuid.UUID, d ProviderDraft, sealed []byte) (p Provider, err error) {
	queries := dbsqlc.New()
	n, err := queries.IdentityProviderCount(ctx, tx)
	if err != nil {
		return p, fmt.Errorf("count providers: %w", err)
	}
	if n >= maxProviders {
		return p, fault.Input("input", "A tenant has at most %d providers.", maxProviders)
	}
	if d.DefaultRole != uuid.Nil {
		role, err := roleOf(ctx, tx, d.DefaultRole)
		if err != nil {
			return p, err
		}
		if role.Builtin == access.Owner {
			return p, fault.Input("defaultRole", "Nobody becomes an owner by a provider.")
		}
	}
	err = queries.IdentityProviderCreate(ctx, tx, dbsqlc.IdentityProviderCreateParams{
		ProviderID: id, Name: d.Name, Issuer: d.Issuer, ClientID: d.ClientID, SealedClientSecret: sealed,
		AllowedDomains: d.AllowedDomains, DefaultRoleID: orNone(d.DefaultRole), SecondFactor: d.SecondFactor,
	})
	if err != nil {
		return p, fmt.Errorf("create provider: %w", err)
	}
	if p, err = s.providerOf(ctx, tx, who.Tenant, id); err != nil {
		return p, err
	}
	return p, audit.Write(ctx, tx, audit.Entry{Action: audit.ProviderCreated, Target: providerTarget(id), After: p.told()})
}

func providerTarget(id uuid.UUID) audit.Target {
	return audit.Target{Type: "identityProvider", ID: id.String()}
}

func (p Provider) told() map[string]any {
	return map[string]any{"name": p.Name, "issuer": p.Issuer, "client": p.ClientID, "allowedDomains": p.AllowedDomains, "countsAsSecondFactor": p.SecondFactor}
}

func (s *Service) providerOf(ctx context.Context, tx pgx.Tx, in tenant.ID, id uuid.UUID) (p Provider, err error) {
	row, err := dbsqlc.New().IdentityProviderGet(ctx, tx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, errNoMember
	}
	if err != nil {
		return p, fmt.Errorf("find provider: %w", err)
	}
	list, err := s.toProviders(ctx, tx, in, []dbsqlc.IdentityProviderListRow{dbsqlc.IdentityProviderListRow(row)})
	if err != nil {
		return p, err
	}
	return list[0], nil
}

// toProviders gives providers with their default roles, where they have one.
func (s *Service) toProviders(ctx context.Context, tx pgx.Tx, in tenant.ID, rows []dbsqlc.IdentityProviderListRow) ([]Provider, error) {
	roleID := func(row dbsqlc.IdentityProviderListRow) uuid.UUID { return row.DefaultRoleID.UUID }
	return withRoles(ctx, tx, rows, roleID, func(row dbsqlc.IdentityProviderListRow, role Role) Provider {
		p := Provider{
			ID: row.ProviderID, Name: row.Name, Issuer: row.Issuer, ClientID: row.ClientID, AllowedDomains: row.AllowedDomains,
			SecondFactor: row.SecondFactor, CreatedAt: row.CreatedAt,
			StartURL: s.serverURL.JoinPath("auth", "oidc", in.String(), row.ProviderID.String(), "start").String(),
		}
		if row.DefaultRoleID.Valid {
			p.DefaultRole = &role
		}
		return p
	})
}

// Providers lists the providers of the tenant that asks, the oldest first.
func (s *Service) Providers(ctx context.Context) (list []Provider, err error) {
	who, err := access.Require(ctx, access.ManageMembers)
	if err != nil {
		return nil, err
	}
	err = s.look(ctx, topic.Invitation, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().IdentityProviderList(ctx, tx)
		if err != nil {
			return fmt.Errorf("list providers: %w", err)
		}
		list, err = s.toProviders(ctx, tx, who.Tenant, rows)
		return err
	})
	return list, err
}

// FindProvider finds a provider of the tenant that asks.
func (s *Service) FindProvider(ctx context.Context, id uuid.UUID) (p Provider, err error) {
	who, err := access.Require(ctx, access.ManageMembers)
	if err != nil {
		return p, err
	}
	err = s.look(ctx, topic.Invitation, func(tx pgx.Tx) error {
		p, err = s.providerOf(ctx, tx, who.Tenant, id)
		return err
	})
	return p, err
}

// RemoveProvider ends a provider, and the sessions that rest on its word.
func (s *Service) RemoveProvider(ctx context.Context, id uuid.UUID) error {
	err := s.manage(ctx, func(tx pgx.Tx, who access.Principal) error {
		was, err := s.providerOf(ctx, tx, who.Tenant, id)
		if err != nil {
			return err
		}
		if _, err := dbsqlc.New().IdentityProviderRemove(ctx, tx, id); err != nil {
			return fmt.Errorf("remove provider: %w", err)
		}
		if err := dbsqlc.New().SessionEndOfProvider(ctx, tx, uuid.NullUUID{UUID: id, Valid: true}); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.ProviderRemoved, Target: providerTarget(id), Before: was.told()})
	})
	s.sessions.Forget()
	return err
}

// providers asks providers what they are, and remembers it for a while.
type providers struct {
	client       *http.Client
	allowPrivate bool
	known        *otter.Cache[string, *oidc.Provider]
}

const (
	knownProviders = 1_000
	providerFor    = time.Hour
)

func newProviders(allowPrivate bool) *providers {
	return &providers{outward(allowPrivate), allowPrivate, otter.Must(&otter.Options[string, *oidc.Provider]{
		MaximumSize:      knownProviders,
		ExpiryCalculator: otter.ExpiryWriting[string, *oidc.Provider](providerFor),
	})}
}

// find reads the provider's configuration (OpenID Connect Discovery, 4).
func (p *providers) find(ctx context.Context, issuer string) (*oidc.Provider, error) {
	if known, ok := p.known.GetIfPresent(issuer); ok {
		return known, nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(lasting(ctx), p.client), issuer)
	if err != nil {
		return nil, fmt.Errorf("find provider: %w", err)
	}
	p.known.Set(issuer, found)
	return found, nil
}
