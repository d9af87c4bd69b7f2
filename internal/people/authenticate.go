package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// How long, and for how many sessions, an answer of the database is believed.
const (
	believedFor      = time.Second
	believedSessions = 10_000
)

// Sessions finds out whose access token it is.
type Sessions struct {
	access *postgres.Access
	signer *signer
	known  *otter.Cache[place, access.Principal]
}

// place is where a session is found.
type place struct {
	tenant  tenant.ID
	session uuid.UUID
}

func newSessions(db *postgres.Access, signer *signer) *Sessions {
	return &Sessions{db, signer, otter.Must(&otter.Options[place, access.Principal]{
		MaximumSize:      believedSessions,
		ExpiryCalculator: otter.ExpiryWriting[place, access.Principal](believedFor),
	})}
}

// Token returns who has an access token. One that is forged, expired, or of a session that
// has ended gives UNAUTHENTICATED.
func (s *Sessions) Token(ctx context.Context, token string) (access.Principal, error) {
	i, err := s.signer.verify(accessToken, token)
	if err != nil {
		return access.Principal{}, err
	}
	at := place{i.tenant, i.session}
	p, known := s.known.GetIfPresent(at)
	if !known || p.Login != i.login {
		if p, err = s.lookUp(ctx, i); err != nil {
			return access.Principal{}, err
		}
		s.known.Set(at, p)
	}
	p.Expires = i.expires
	return p, nil
}

// Recheck returns what asks the database again who has a token that Token has let in. That the
// token has expired since is the business of whoever watches its holder.
func (s *Sessions) Recheck(token string) access.Recheck {
	i, verified := s.signer.verify(accessToken, token)
	return func(ctx context.Context) (access.Principal, error) {
		if verified != nil {
			return access.Principal{}, verified
		}
		return s.lookUp(ctx, i)
	}
}

// Forget drops what is remembered, so that a change counts at once.
func (s *Sessions) Forget() { s.known.InvalidateAll() }

func (s *Sessions) lookUp(ctx context.Context, i identity) (p access.Principal, err error) {
	err = s.access.InTenant(ctx, i.tenant, func(tx pgx.Tx) error {
		session, err := dbsqlc.New().SessionGet(ctx, tx, i.session)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && session.LoginID != i.login {
			return errToken
		}
		if err != nil {
			return err
		}
		p, err = principalOf(ctx, tx, session)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("authenticate session: %w", err)
	}
	return p, nil
}

// principalOf says what a session may do, in its tenant's transaction.
func principalOf(ctx context.Context, tx pgx.Tx, session dbsqlc.SessionGetRow) (access.Principal, error) {
	p, needsSecondFactor, err := access.MemberPrincipal(ctx, tx, session.LoginID)
	if err != nil {
		return p, err
	}
	p.ID = session.SessionID
	if needsSecondFactor && !session.SecondFactor {
		p.Permissions = 0 // they may set up a second factor, and leave
	}
	if session.ImpersonatorID.Valid {
		return asSeenBy(ctx, tx, p, session.ImpersonatorID.UUID)
	}
	return p, nil
}

// looking is what may be done in somebody else's place: look.
var looking = access.Of(access.ReadMetrics, access.Read, access.ReadPII, access.ReadRevenue, access.ReadSchema, access.ReadAudit)

// asSeenBy narrows what a member may do to what somebody may see who looks in their place, and
// who has to have the right to it still.
func asSeenBy(ctx context.Context, tx pgx.Tx, p access.Principal, impersonator uuid.UUID) (access.Principal, error) {
	by, _, err := access.MemberPrincipal(ctx, tx, impersonator)
	if err != nil {
		return p, err
	}
	if !by.May(access.Impersonate) {
		return p, errToken
	}
	p.Impersonator = impersonator
	p.Permissions &= looking
	return p, nil
}
