// Package people signs people in and says who belongs to a tenant: passwords, sessions, second
// factors, invitations, roles and providers of identities. What it stores of a secret is a
// hash, or sealed. An answer does not tell whether an address is known here, and every sign-in
// and every change is written into the audit log.
package people

import (
	"context"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"github.com/tidemarkhq/tidemark/internal/mail"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

// Attempts bounds guessing; see [limit.Attempts].
type Attempts interface {
	Take(ctx context.Context, account string, address netip.Addr) error
	Succeeded(ctx context.Context, account string) error
}

// Options are what the service needs. All of them are required but Breached.
type Options struct {
	Access   *postgres.Access
	Vault    *secret.Vault
	Attempts Attempts
	Outbox   *mail.Outbox
	// AppURL is the page that links in mail lead to, such as https://app.example.com; its
	// path is kept.
	AppURL *url.URL
	// ServerURL is where this server is reached by browsers, for providers to come back to.
	ServerURL *url.URL
	// Breached are passwords that are known to attackers; nil: only those that everybody knows.
	Breached *Breached
	// AllowPrivate lets providers of identities stand in a private network.
	AllowPrivate bool
	Logger       *slog.Logger
}

// Service does what this package is for.
type Service struct {
	access    *postgres.Access
	vault     *secret.Vault
	attempts  Attempts
	outbox    *mail.Outbox
	appURL    *url.URL
	serverURL *url.URL
	hasher    *hasher
	policy    policy
	signer    *signer
	sessions  *Sessions
	providers *providers
	logger    *slog.Logger
	now       func() time.Time
}

// NewService makes the service.
func NewService(o Options) *Service {
	signer := newSigner(o.Vault, time.Now)
	return &Service{
		access: o.Access, vault: o.Vault, attempts: o.Attempts, outbox: o.Outbox,
		appURL: o.AppURL, serverURL: o.ServerURL,
		hasher: newHasher(current, hashesAtOnce), policy: policy{o.Breached},
		signer: signer, sessions: newSessions(o.Access, signer),
		providers: newProviders(o.AllowPrivate), logger: o.Logger, now: time.Now,
	}
}

// Sessions finds out whose access token it is.
func (s *Service) Sessions() *Sessions { return s.sessions }
