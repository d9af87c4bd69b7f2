package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// account is who has signed in, themselves.
type account struct {
	access.Principal
	email, name, hash string
	session           dbsqlc.SessionGetRow
}

var (
	errNotSignedIn = fault.New(fault.Forbidden, "This is for people who have signed in.")
	errAsAnother   = fault.New(fault.Forbidden, "You look as somebody else: this is theirs alone.")
	errByProvider  = fault.New(fault.Forbidden, "You have signed in by a provider of identities, which is good for this tenant alone. Sign in by password for this.")
)

// signedIn returns who has signed in, and their session; FORBIDDEN to keys, and to those who
// look as somebody else.
func (s *Service) signedIn(ctx context.Context) (who account, err error) {
	p, err := access.Authenticated(ctx)
	switch {
	case err != nil:
		return who, err
	case p.Kind != access.MemberKind:
		return who, errNotSignedIn
	case p.Impersonator != uuid.Nil:
		return who, errAsAnother
	}
	err = s.access.InTenant(ctx, p.Tenant, func(tx pgx.Tx) error {
		session, err := dbsqlc.New().SessionGet(ctx, tx, p.ID)
		if errors.Is(err, pgx.ErrNoRows) {
			return errToken
		}
		if err != nil {
			return fmt.Errorf("find session: %w", err)
		}
		l, err := dbsqlc.New().LoginGet(ctx, tx, p.Login)
		who = account{p, l.Email, l.Name, orEmpty(l.PasswordHash), session}
		return err
	})
	return who, err
}

// ownAccount is signedIn for what concerns the login as a whole: a provider of one tenant
// vouches for nothing beyond that tenant.
func (s *Service) ownAccount(ctx context.Context) (account, error) {
	who, err := s.signedIn(ctx)
	if err == nil && who.session.ProviderID.Valid {
		return who, errByProvider
	}
	return who, err
}

// checkOwnPassword asks who has signed in for their password again.
func (s *Service) checkOwnPassword(ctx context.Context, who account, password string) error {
	if err := s.attempts.Take(ctx, who.email, fault.ClientOf(ctx).Address); err != nil {
		return err
	}
	right, _, err := s.hasher.verify(ctx, password, who.hash)
	if err != nil {
		return err
	}
	if !right {
		return errors.Join(s.failed(ctx, who.Login, who.email, "password"), fault.Input("password", "The password is wrong."))
	}
	return s.attempts.Succeeded(ctx, who.email)
}

// Viewer is who asks.
type Viewer struct {
	Login        uuid.UUID // none of a key
	Email, Name  string
	Tenant       tenant.ID
	Session      uuid.UUID
	Permissions  []access.Permission
	Impersonated bool
	// HasSecondFactor is whether one is in force; NeedsSecondFactor, whether it is asked for
	// before anything else may be done.
	HasSecondFactor, NeedsSecondFactor bool
	RecoveryCodes                      int
	Memberships                        []Membership
}

// Viewer tells who asks about themselves. Keys have no name, and belong to their tenant alone.
func (s *Service) Viewer(ctx context.Context) (v Viewer, err error) {
	p, err := access.Authenticated(ctx)
	if err != nil {
		return v, err
	}
	v = Viewer{Login: p.Login, Tenant: p.Tenant, Permissions: p.Permissions.List(), Impersonated: p.Impersonator != uuid.Nil}
	if p.Kind != access.MemberKind {
		return v, nil
	}
	v.Session = p.ID
	topic.Note(ctx, topic.Exactly(p.Tenant, topic.Session, p.ID.String()))
	topic.Note(ctx, topic.All(p.Tenant, topic.Role))
	noteLogin(ctx, p.Login)
	bound := v.Impersonated
	err = s.access.InTenant(ctx, p.Tenant, func(tx pgx.Tx) error {
		session, err := dbsqlc.New().SessionGet(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		bound = bound || session.ProviderID.Valid
		_, needs, err := access.MemberPrincipal(ctx, tx, p.Login)
		v.NeedsSecondFactor = needs && !session.SecondFactor
		return err
	})
	if err != nil {
		return v, fmt.Errorf("find session: %w", err)
	}
	err = s.access.AsLogin(ctx, p.Login, func(tx pgx.Tx) error { return v.fill(ctx, tx, bound) })
	if err != nil {
		return v, fmt.Errorf("find login: %w", err)
	}
	return v, nil
}

// fill reads what is a login's own. Where their word, or that of a provider, counts for one
// tenant alone, nothing is told of others.
func (v *Viewer) fill(ctx context.Context, tx pgx.Tx, bound bool) error {
	l, err := dbsqlc.New().LoginGet(ctx, tx, v.Login)
	if err != nil {
		return err
	}
	v.Email, v.Name = l.Email, l.Name
	mine, err := dbsqlc.New().MembershipList(ctx, tx, v.Login)
	if err != nil {
		return err
	}
	for _, m := range mine {
		if !bound || m.TenantID == v.Tenant {
			v.Memberships = append(v.Memberships, m)
			topic.Note(ctx, topic.Exactly(m.TenantID, topic.Tenant, ""))
			topic.Note(ctx, topic.All(m.TenantID, topic.Role))
		}
	}
	factor, err := dbsqlc.New().SecondFactorGet(ctx, tx, v.Login)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	v.HasSecondFactor = factor.ConfirmedAt != nil
	codes, err := dbsqlc.New().RecoveryCodeCount(ctx, tx, v.Login)
	v.RecoveryCodes = int(codes)
	return err
}

// Session is one of those that somebody has begun.
type Session = dbsqlc.SessionPageRow

// SessionPage is a part of the list of somebody's sessions.
type SessionPage struct {
	Sessions []Session
	More     bool
}

// Moment is where something stands in a list that is sorted by time.
type Moment struct {
	At time.Time
	ID uuid.UUID
}

// maxPage is how much one page may have.
const maxPage = 100

func checkFirst(first int) error {
	if first < 1 || first > maxPage {
		return fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	return nil
}

// last is after everything, in a list with the latest first.
func orLast(before *Moment) Moment {
	if before == nil {
		return Moment{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), uuid.Max}
	}
	return *before
}

// Sessions lists the sessions of who asks that live, the latest first; those of the tenant
// alone, where a provider of it has vouched for them.
func (s *Service) ListSessions(ctx context.Context, first int, before *Moment) (page SessionPage, total int, err error) {
	who, err := s.signedIn(ctx)
	if err != nil {
		return page, 0, err
	}
	if err := checkFirst(first); err != nil {
		return page, 0, err
	}
	from := orLast(before)
	noteLogin(ctx, who.Login)
	err = s.ofLogin(ctx, who, func(tx pgx.Tx) error {
		list, err := dbsqlc.New().SessionPage(ctx, tx, dbsqlc.SessionPageParams{LoginID: who.Login, BeforeAt: from.At, BeforeID: from.ID, Most: int64(first) + 1})
		if err != nil {
			return err
		}
		page = SessionPage{list[:min(len(list), first)], len(list) > first}
		n, err := dbsqlc.New().SessionCount(ctx, tx, who.Login)
		total = int(n)
		return err
	})
	if err != nil {
		return page, 0, fmt.Errorf("list sessions: %w", err)
	}
	return page, total, nil
}

// ofLogin runs fn over what is a login's, in all tenants; in the one that a provider has
// vouched for, where that is how they came.
func (s *Service) ofLogin(ctx context.Context, who account, fn func(tx pgx.Tx) error) error {
	if who.session.ProviderID.Valid {
		return s.access.InTenant(ctx, who.Tenant, fn)
	}
	return s.access.AsLogin(ctx, who.Login, fn)
}

// SignOut ends the session of who asks, also that of somebody who looks as another.
func (s *Service) SignOut(ctx context.Context) error {
	p, err := access.Authenticated(ctx)
	if err != nil {
		return err
	}
	if p.Kind != access.MemberKind {
		return errNotSignedIn
	}
	action := audit.SignedOut
	if p.Impersonator != uuid.Nil {
		action = audit.ImpersonationOff
	}
	err = s.access.InTenant(ctx, p.Tenant, func(tx pgx.Tx) error {
		if _, err := dbsqlc.New().SessionEnd(ctx, tx, dbsqlc.SessionEndParams{SessionID: p.ID, Reason: dbsqlc.SessionEndSIGNEDOUT}); err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		return audit.Write(ctx, tx, audit.Entry{Action: action, Target: sessionTarget(p.ID)})
	})
	s.sessions.Forget()
	return err
}

// EndSession ends one of the sessions of who asks, in whichever tenant.
func (s *Service) EndSession(ctx context.Context, id uuid.UUID) error {
	n, err := s.endSessions(ctx, func(tx pgx.Tx, who account) (ended []tenant.ID, err error) {
		rows, err := dbsqlc.New().SessionEndOwn(ctx, tx, dbsqlc.SessionEndOwnParams{LoginID: who.Login, SessionID: id, Reason: dbsqlc.SessionEndENDED})
		for _, r := range rows {
			ended = append(ended, r.TenantID)
		}
		return ended, err
	})
	if err == nil && n == 0 {
		return fault.New(fault.NotFound, "There is nothing with this id.").In("id")
	}
	return err
}

// EndOtherSessions ends all sessions of who asks but this one, and returns how many.
func (s *Service) EndOtherSessions(ctx context.Context) (int, error) {
	return s.endSessions(ctx, func(tx pgx.Tx, who account) ([]tenant.ID, error) {
		return endAllBut(ctx, tx, who.Login, who.ID, dbsqlc.SessionEndENDED)
	})
}

func endAllBut(ctx context.Context, tx pgx.Tx, who, but uuid.UUID, reason dbsqlc.SessionEnd) (ended []tenant.ID, err error) {
	rows, err := dbsqlc.New().SessionEndOfLogin(ctx, tx, dbsqlc.SessionEndOfLoginParams{LoginID: who, But: but, Reason: reason})
	if err != nil {
		return nil, fmt.Errorf("end sessions: %w", err)
	}
	for _, r := range rows {
		ended = append(ended, r.TenantID)
	}
	return ended, nil
}

// endSessions runs what ends sessions, and tells the tenants whose they were.
func (s *Service) endSessions(ctx context.Context, end func(tx pgx.Tx, who account) ([]tenant.ID, error)) (int, error) {
	who, err := s.signedIn(ctx)
	if err != nil {
		return 0, err
	}
	var ended []tenant.ID
	err = s.ofLogin(ctx, who, func(tx pgx.Tx) error {
		if ended, err = end(tx, who); err != nil || len(ended) == 0 {
			return err
		}
		return tell(ctx, tx, who.Login, audit.Entry{Action: audit.SessionEnded, Target: loginTarget(who.Login), After: map[string]any{"ended": len(ended)}})
	})
	s.sessions.Forget()
	return len(ended), err
}

// SwitchTenant begins a session in another tenant of who asks, and ends this one. How long ago
// the password was given stays the same.
func (s *Service) SwitchTenant(ctx context.Context, to tenant.ID) (t Tokens, err error) {
	who, err := s.ownAccount(ctx)
	if err != nil {
		return t, err
	}
	if to, err = s.chooseTenant(ctx, who.Login, to); err != nil {
		return t, errNoTenant.Because(err)
	}
	err = s.access.InTenant(ctx, to, func(tx pgx.Tx) error {
		if _, _, err := access.MemberPrincipal(ctx, tx, who.Login); err != nil {
			return err
		}
		t, err = s.begin(ctx, tx, to, start{login: who.Login, secondFactor: who.session.SecondFactor, signedIn: who.session.SignedInAt})
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.TenantSwitched, Target: sessionTarget(t.Session)})
	})
	if err != nil {
		return Tokens{}, err
	}
	err = s.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		_, err := dbsqlc.New().SessionEnd(ctx, tx, dbsqlc.SessionEndParams{SessionID: who.ID, Reason: dbsqlc.SessionEndSWITCHED})
		return err
	})
	s.sessions.Forget()
	if err != nil {
		return Tokens{}, fmt.Errorf("end session: %w", err)
	}
	return t, nil
}

// ChangePassword gives who asks another password, and ends their other sessions.
func (s *Service) ChangePassword(ctx context.Context, old, fresh string) error {
	who, err := s.ownAccount(ctx)
	if err != nil {
		return err
	}
	if err := s.checkOwnPassword(ctx, who, old); err != nil {
		return err
	}
	if err := s.policy.check("newPassword", fresh, who.email, who.name); err != nil {
		return err
	}
	return s.setPassword(ctx, who.Login, fresh, who.ID, audit.PasswordChanged, nil)
}

// setPassword stores a password, ends all sessions but one, and tells the tenants. before, if
// there is one, has to succeed first.
func (s *Service) setPassword(ctx context.Context, who uuid.UUID, password string, but uuid.UUID, action audit.Action, before func(tx pgx.Tx) error) error {
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	err = s.access.AsLogin(ctx, who, func(tx pgx.Tx) error {
		if before != nil {
			if err := before(tx); err != nil {
				return err
			}
		}
		if err := dbsqlc.New().LoginSetPassword(ctx, tx, dbsqlc.LoginSetPasswordParams{LoginID: who, PasswordHash: &hash}); err != nil {
			return fmt.Errorf("store password: %w", err)
		}
		// Links that were asked for before are good for nothing any more.
		if err := dbsqlc.New().PasswordResetUseAll(ctx, tx, who); err != nil {
			return fmt.Errorf("end resets: %w", err)
		}
		ended, err := endAllBut(ctx, tx, who, but, dbsqlc.SessionEndPASSWORD)
		if err != nil {
			return err
		}
		return tell(ctx, tx, who, audit.Entry{Action: action, Target: loginTarget(who), After: map[string]any{"endedSessions": len(ended)}})
	})
	s.sessions.Forget()
	return err
}
