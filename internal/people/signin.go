package people

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/mail"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// errSignIn is the one answer to an address that is not known, a wrong password, and somebody
// who belongs nowhere any more.
var errSignIn = fault.New(fault.Unauthenticated, "The e-mail address or the password is wrong.")

// login is who signs in.
type login = dbsqlc.LoginByEmailRow

// SignIn begins a session by e-mail address and password, in a tenant of theirs; in the one
// that they joined first, if none is named. Whoever has a second factor gets a challenge.
func (s *Service) SignIn(ctx context.Context, email, password string, in tenant.ID) (Tokens, error) {
	who, err := s.checkPassword(ctx, email, password)
	if err != nil {
		return Tokens{}, err
	}
	if in, err = s.chooseTenant(ctx, who.LoginID, in); err != nil {
		return Tokens{}, err
	}
	return s.admit(ctx, in, start{login: who.LoginID})
}

// admit begins a session, or asks for the second factor that somebody has and has not shown.
func (s *Service) admit(ctx context.Context, in tenant.ID, by start) (Tokens, error) {
	if !by.secondFactor {
		factor, err := s.hasSecondFactor(ctx, by.login)
		if err != nil {
			return Tokens{}, err
		}
		if factor {
			return s.challenge(by.login, by.provider, in)
		}
	}
	return s.enter(ctx, in, by)
}

// checkPassword finds who has this address and this password. An attempt is counted before
// anything is looked up, and each takes as long as the others.
func (s *Service) checkPassword(ctx context.Context, email, password string) (who login, err error) {
	email = normalEmail(email)
	if err := s.attempts.Take(ctx, email, fault.ClientOf(ctx).Address); err != nil {
		return who, err
	}
	if len(password) > 4*maxPassword || mail.CheckAddress(email) != nil {
		password, email = "", "" // nobody's: and goes the same way
	}
	who, err = s.loginOf(ctx, email)
	if err != nil {
		return who, err
	}
	right, stale, err := s.hasher.verify(ctx, password, orEmpty(who.PasswordHash))
	if err != nil {
		return who, err
	}
	if !right {
		return who, errors.Join(s.failed(ctx, who.LoginID, email, "password"), errSignIn)
	}
	if err := s.attempts.Succeeded(ctx, email); err != nil {
		return who, err
	}
	if stale {
		return who, s.rehash(ctx, who, password)
	}
	return who, nil
}

// loginOf finds who has an address; nobody's gives the zero login.
func (s *Service) loginOf(ctx context.Context, email string) (who login, err error) {
	err = s.access.InTx(ctx, func(tx pgx.Tx) error {
		who, err = dbsqlc.New().LoginByEmail(ctx, tx, email)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return who, fmt.Errorf("find login: %w", err)
	}
	return who, nil
}

// rehash makes the hash anew with the parameters of now.
func (s *Service) rehash(ctx context.Context, who login, password string) error {
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	err = s.access.InTx(ctx, func(tx pgx.Tx) error {
		return dbsqlc.New().LoginRehash(ctx, tx, dbsqlc.LoginRehashParams{LoginID: who.LoginID, PasswordHash: &hash, Was: who.PasswordHash})
	})
	if err != nil {
		return fmt.Errorf("store password: %w", err)
	}
	return nil
}

// chooseTenant finds where a login is let in: to the tenant that is named, if it is theirs.
func (s *Service) chooseTenant(ctx context.Context, who uuid.UUID, named tenant.ID) (tenant.ID, error) {
	mine, err := s.memberships(ctx, who)
	if err != nil {
		return tenant.None, err
	}
	if len(mine) == 0 {
		return tenant.None, errSignIn
	}
	if named == tenant.None {
		return mine[0].TenantID, nil
	}
	for _, m := range mine {
		if m.TenantID == named {
			return named, nil
		}
	}
	return tenant.None, errNoTenant
}

var errNoTenant = fault.New(fault.NotFound, "There is no such tenant of yours.").In("tenant")

// Membership is a tenant that somebody belongs to.
type Membership = dbsqlc.MembershipListRow

func (s *Service) memberships(ctx context.Context, who uuid.UUID) (mine []Membership, err error) {
	err = s.access.AsLogin(ctx, who, func(tx pgx.Tx) error {
		mine, err = dbsqlc.New().MembershipList(ctx, tx, who)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list memberships: %w", err)
	}
	return mine, nil
}

// challenge is what whoever has a second factor gets first.
func (s *Service) challenge(who, provider uuid.UUID, in tenant.ID) (t Tokens, err error) {
	t = Tokens{Tenant: in, SecondFactor: true}
	t.Challenge, t.ChallengeTill, err = s.signer.sign(challenge, identity{login: who, provider: provider, tenant: in})
	return t, err
}

// enter begins a session of somebody who has proved who they are.
func (s *Service) enter(ctx context.Context, in tenant.ID, from start) (t Tokens, err error) {
	err = s.access.InTenant(ctx, in, func(tx pgx.Tx) error {
		p, _, err := access.MemberPrincipal(ctx, tx, from.login)
		if errors.Is(err, access.ErrNoMember) {
			return errSignIn
		}
		if err != nil {
			return err
		}
		if t, err = s.begin(ctx, tx, in, from); err != nil {
			return err
		}
		return audit.Write(audit.WithActor(ctx, audit.Actor{Kind: audit.Member, ID: p.Login}), tx,
			audit.Entry{Action: audit.SignedIn, Target: sessionTarget(t.Session), After: map[string]any{"secondFactor": from.secondFactor, "provider": from.provider != uuid.Nil}})
	})
	return t, err
}

// failed tells the tenants of a login that somebody tried to be them; the system's own log, if
// there is no such login, under a tag in the place of the address.
func (s *Service) failed(ctx context.Context, who uuid.UUID, email, by string) error {
	target := loginTarget(who)
	if who == uuid.Nil {
		target = audit.Target{Type: "address", ID: s.tag(email)}
	}
	return s.access.AsLogin(ctx, who, func(tx pgx.Tx) error {
		return tell(audit.WithActor(ctx, audit.Actor{Kind: audit.Nobody}), tx, who,
			audit.Entry{Action: audit.SignInFailed, Target: target, After: map[string]any{"by": by}})
	})
}

// tell writes an entry about a login into the log of each of their tenants, and into the
// system's where there is none. The transaction is the login's, and this its last act.
func tell(ctx context.Context, tx pgx.Tx, who uuid.UUID, e audit.Entry) error {
	mine, err := dbsqlc.New().MembershipList(ctx, tx, who)
	if err != nil {
		return fmt.Errorf("list memberships: %w", err)
	}
	if len(mine) == 0 {
		return audit.WriteSystem(ctx, tx, e)
	}
	slices.SortFunc(mine, func(a, b Membership) int { return bytes.Compare(a.TenantID[:], b.TenantID[:]) })
	for _, m := range mine {
		if err := dbsqlc.New().TenantEnter(ctx, tx, m.TenantID.String()); err != nil {
			return fmt.Errorf("name tenant: %w", err)
		}
		if err := audit.Write(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

// tag stands for an address in logs: it tells two attempts at one address, and not whose.
func (s *Service) tag(email string) string {
	key := s.vault.Derive("audit-address")[0]
	mac := hmac.New(sha256.New, key.Key[:])
	mac.Write([]byte(email))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// normalEmail is how addresses are kept: what differs in capitals alone is one.
func normalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
