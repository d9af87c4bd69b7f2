package people

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// How long sessions last (ASVS 5.0, 7.3.1 and 7.3.2): unused, as long as a refresh token;
// used, until the password is asked for again (NIST SP 800-63B-4, 2.1.3: 30 days).
const (
	refreshFor = 7 * 24 * time.Hour
	sessionFor = 30 * 24 * time.Hour
)

// Tokens are what a session is used with.
type Tokens struct {
	Tenant        tenant.ID
	Session       uuid.UUID
	Access        string
	AccessUntil   time.Time
	Refresh       string // empty: there is none
	RefreshUntil  time.Time
	SecondFactor  bool   // one is needed first: Challenge takes it, and there are no tokens yet
	Challenge     string // lasts five minutes
	ChallengeTill time.Time
}

// start is what a session begins with.
type start struct {
	login, provider, impersonator uuid.UUID
	secondFactor                  bool
	signedIn                      time.Time // zero: now
}

// begin makes a session of a member in the tenant of the transaction.
func (s *Service) begin(ctx context.Context, tx pgx.Tx, in tenant.ID, from start) (t Tokens, err error) {
	if from.signedIn.IsZero() {
		from.signedIn = s.now()
	}
	if t.Session, err = uuid.NewV7(); err != nil {
		return t, fmt.Errorf("begin session: %w", err)
	}
	t.Tenant = in
	until := from.signedIn.Add(sessionFor)
	if from.impersonator != uuid.Nil {
		until = from.signedIn.Add(accessFor)
	}
	address, agent := clientOf(ctx)
	err = dbsqlc.New().SessionCreate(ctx, tx, dbsqlc.SessionCreateParams{
		SessionID: t.Session, LoginID: from.login, ImpersonatorID: orNone(from.impersonator), ProviderID: orNone(from.provider),
		SecondFactor: from.secondFactor, SignedInAt: from.signedIn, ExpiresAt: until, Address: address, UserAgent: agent,
	})
	if err != nil {
		return t, fmt.Errorf("begin session: %w", err)
	}
	if from.impersonator == uuid.Nil {
		if err := s.renew(ctx, tx, &t, until); err != nil {
			return t, err
		}
	}
	t.Access, t.AccessUntil, err = s.signer.sign(accessToken, identity{login: from.login, tenant: in, session: t.Session, expires: until})
	return t, err
}

// renew gives a session its next refresh token.
func (s *Service) renew(ctx context.Context, tx pgx.Tx, t *Tokens, until time.Time) error {
	token, hash, err := newToken(refreshPrefix, uuid.UUID(t.Tenant))
	if err != nil {
		return err
	}
	t.Refresh, t.RefreshUntil = token, s.now().Add(refreshFor)
	if until.Before(t.RefreshUntil) {
		t.RefreshUntil = until
	}
	err = dbsqlc.New().RefreshTokenCreate(ctx, tx, dbsqlc.RefreshTokenCreateParams{TokenHash: hash, SessionID: t.Session, ExpiresAt: t.RefreshUntil})
	if err != nil {
		return fmt.Errorf("make refresh token: %w", err)
	}
	return nil
}

var errRefresh = fault.New(fault.Unauthenticated, "The session is over. Sign in again.").In("refreshToken")

// Refresh gives new tokens for a refresh token, which is good once. One that comes a second
// time was stolen, from whoever came first or by them: the session ends (RFC 9700, 4.14.2).
// A client that lost the answer has to sign in again: nobody can tell it from a thief.
func (s *Service) Refresh(ctx context.Context, token string) (t Tokens, err error) {
	id, hash, ok := parseToken(refreshPrefix, token)
	if !ok {
		return t, errRefresh
	}
	in, reused := tenant.ID(id), false
	err = s.access.InTenant(ctx, in, func(tx pgx.Tx) error {
		used, err := dbsqlc.New().RefreshTokenUse(ctx, tx, hash)
		if errors.Is(err, pgx.ErrNoRows) {
			reused, err = s.endReused(ctx, tx, hash)
			return err
		}
		if err != nil {
			return fmt.Errorf("use refresh token: %w", err)
		}
		t, err = s.goOn(ctx, tx, in, used)
		return err
	})
	switch {
	case err != nil:
		return Tokens{}, err
	case reused:
		s.sessions.Forget()
		return Tokens{}, errRefresh
	case t.Access == "":
		return Tokens{}, errRefresh
	}
	return t, nil
}

// goOn gives a session its next tokens, if it lives and its member may still come in.
func (s *Service) goOn(ctx context.Context, tx pgx.Tx, in tenant.ID, used dbsqlc.RefreshTokenUseRow) (t Tokens, err error) {
	if !used.ExpiresAt.After(s.now()) {
		return t, errRefresh
	}
	session, err := dbsqlc.New().SessionGet(ctx, tx, used.SessionID)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, errRefresh
	}
	if err != nil {
		return t, fmt.Errorf("find session: %w", err)
	}
	if _, _, err := access.MemberPrincipal(ctx, tx, session.LoginID); err != nil {
		return t, err
	}
	t = Tokens{Tenant: in, Session: session.SessionID}
	if err := s.renew(ctx, tx, &t, session.ExpiresAt); err != nil {
		return t, err
	}
	address, agent := clientOf(ctx)
	err = dbsqlc.New().SessionTouch(ctx, tx, dbsqlc.SessionTouchParams{SessionID: session.SessionID, Address: address, UserAgent: agent})
	if err != nil {
		return t, fmt.Errorf("touch session: %w", err)
	}
	t.Access, t.AccessUntil, err = s.signer.sign(accessToken, identity{login: session.LoginID, tenant: in, session: session.SessionID, expires: session.ExpiresAt})
	return t, err
}

// endReused ends the session of a token that was used before; false if there never was one.
func (s *Service) endReused(ctx context.Context, tx pgx.Tx, hash []byte) (bool, error) {
	known, err := dbsqlc.New().RefreshTokenGet(ctx, tx, hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, errRefresh
	}
	if err != nil {
		return false, fmt.Errorf("find refresh token: %w", err)
	}
	ended, err := dbsqlc.New().SessionEnd(ctx, tx, dbsqlc.SessionEndParams{SessionID: known.SessionID, Reason: dbsqlc.SessionEndREUSED})
	if err != nil {
		return false, fmt.Errorf("end session: %w", err)
	}
	if ended == 0 {
		return true, nil
	}
	return true, audit.Write(audit.WithActor(ctx, audit.Actor{Kind: audit.Nobody}), tx,
		audit.Entry{Action: audit.SessionReused, Target: sessionTarget(known.SessionID)})
}

func sessionTarget(id uuid.UUID) audit.Target { return audit.Target{Type: "session", ID: id.String()} }
func loginTarget(id uuid.UUID) audit.Target   { return audit.Target{Type: "login", ID: id.String()} }

// clientOf is where a request comes from, as sessions keep it.
func clientOf(ctx context.Context) (*netip.Addr, string) {
	c := fault.ClientOf(ctx)
	if !c.Address.IsValid() {
		return nil, c.UserAgent
	}
	address := c.Address.Unmap().WithZone("")
	return &address, c.UserAgent
}

func orNone(id uuid.UUID) uuid.NullUUID { return uuid.NullUUID{UUID: id, Valid: id != uuid.Nil} }
