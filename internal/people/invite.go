package people

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/mail"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// invitationFor is how long an invitation can be accepted.
const invitationFor = 7 * 24 * time.Hour

// Invitation is one that is open.
type Invitation struct {
	ID                   uuid.UUID
	Email                string
	Role                 Role
	InvitedAt, ExpiresAt time.Time
}

// InvitationPage is a part of the list of invitations.
type InvitationPage struct {
	Invitations []Invitation
	More        bool
}

func invitationTarget(id uuid.UUID) audit.Target {
	return audit.Target{Type: "invitation", ID: id.String()}
}

// Invite invites somebody to the tenant that asks, by mail. An earlier invitation of the same
// address is void.
func (s *Service) Invite(ctx context.Context, email string, role uuid.UUID) (i Invitation, err error) {
	email = normalEmail(email)
	if mail.CheckAddress(email) != nil {
		return i, fault.Input("email", "This is not an e-mail address.")
	}
	err = s.manage(ctx, func(tx pgx.Tx, who access.Principal) error {
		r, err := roleOf(ctx, tx, role)
		if err != nil {
			return err
		}
		if err := mayGive(who, r); err != nil {
			return err
		}
		i, _, err = s.invite(ctx, tx, who.Tenant, email, r, orNone(who.By()))
		return err
	})
	return i, err
}

// InviteFirst invites somebody as one of the builtin roles, for whoever runs the installation,
// and returns the link; a mail goes out as well.
func (s *Service) InviteFirst(ctx context.Context, in tenant.ID, email string, builtin access.Builtin) (link string, err error) {
	email = normalEmail(email)
	if mail.CheckAddress(email) != nil {
		return "", fault.Input("email", "This is not an e-mail address.")
	}
	err = s.access.InTenant(ctx, in, func(tx pgx.Tx) error {
		r, err := dbsqlc.New().RoleGetBuiltin(ctx, tx, dbsqlc.NullBuiltinRole{BuiltinRole: dbsqlc.BuiltinRole(builtin), Valid: true})
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.NotFound, "There is no such tenant, or no such role.").In("tenant")
		}
		if err != nil {
			return fmt.Errorf("find role: %w", err)
		}
		_, link, err = s.invite(ctx, tx, in, email, toRole(dbsqlc.RoleListByIDsRow(r)), uuid.NullUUID{})
		return err
	})
	return link, err
}

// invite makes an invitation and its mail.
func (s *Service) invite(ctx context.Context, tx pgx.Tx, in tenant.ID, email string, role Role, by uuid.NullUUID) (i Invitation, link string, err error) {
	token, hash, err := newToken(invitationPrefix, uuid.UUID(in))
	if err != nil {
		return i, "", err
	}
	now := s.now()
	i = Invitation{uuid.New(), email, role, now, now.Add(invitationFor)}
	queries := dbsqlc.New()
	if err := queries.InvitationRevokeOpen(ctx, tx, email); err != nil {
		return i, "", fmt.Errorf("revoke invitations: %w", err)
	}
	err = queries.InvitationCreate(ctx, tx, dbsqlc.InvitationCreateParams{
		InvitationID: i.ID, Email: email, RoleID: role.ID, TokenHash: hash, InvitedBy: by, ExpiresAt: i.ExpiresAt,
	})
	if err != nil {
		return i, "", fmt.Errorf("create invitation: %w", err)
	}
	name, err := queries.TenantName(ctx, tx)
	if err != nil {
		return i, "", fmt.Errorf("find tenant: %w", err)
	}
	link = s.link("accept-invitation", "token", token)
	if err := s.outbox.Put(ctx, tx, invitationMail(email, name, link)); err != nil {
		return i, "", err
	}
	return i, link, audit.Write(ctx, tx, audit.Entry{Action: audit.MemberInvited, Target: invitationTarget(i.ID),
		After: map[string]any{"email": email, "role": role.Name}})
}

// link leads to a page of the app. What follows the # is not sent to any server, so it is in no
// log and no Referer header.
func (s *Service) link(page, name, value string) string {
	u := s.appURL.JoinPath(page)
	u.Fragment = url.Values{name: {value}}.Encode()
	return u.String()
}

// Invitations lists the open invitations of the tenant that asks, the latest first.
func (s *Service) Invitations(ctx context.Context, first int, before *Moment) (page InvitationPage, total int, err error) {
	if err := checkFirst(first); err != nil {
		return page, 0, err
	}
	from := orLast(before)
	err = s.look(ctx, topic.Invitation, func(tx pgx.Tx) error {
		list, err := dbsqlc.New().InvitationPage(ctx, tx, dbsqlc.InvitationPageParams{BeforeAt: from.At, BeforeID: from.ID, Most: int64(first) + 1})
		if err != nil {
			return fmt.Errorf("list invitations: %w", err)
		}
		shown := list[:min(len(list), first)]
		page.Invitations, err = withRoles(ctx, tx, shown, func(i dbsqlc.InvitationPageRow) uuid.UUID { return i.RoleID },
			func(i dbsqlc.InvitationPageRow, role Role) Invitation {
				return toInvitation(dbsqlc.InvitationGetRow(i), role)
			})
		if err != nil {
			return err
		}
		page.More = len(list) > first
		n, err := dbsqlc.New().InvitationCount(ctx, tx)
		total = int(n)
		return err
	})
	return page, total, err
}

func toInvitation(i dbsqlc.InvitationGetRow, role Role) Invitation {
	return Invitation{i.InvitationID, i.Email, role, i.InvitedAt, i.ExpiresAt}
}

// FindInvitation finds an open invitation of the tenant that asks.
func (s *Service) FindInvitation(ctx context.Context, id uuid.UUID) (i Invitation, err error) {
	err = s.look(ctx, topic.Invitation, func(tx pgx.Tx) error {
		row, err := dbsqlc.New().InvitationGet(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoMember
		}
		if err != nil {
			return fmt.Errorf("find invitation: %w", err)
		}
		role, err := roleOf(ctx, tx, row.RoleID)
		i = toInvitation(row, role)
		return err
	})
	return i, err
}

// RevokeInvitation makes an invitation void.
func (s *Service) RevokeInvitation(ctx context.Context, id uuid.UUID) error {
	return s.manage(ctx, func(tx pgx.Tx, _ access.Principal) error {
		revoked, err := dbsqlc.New().InvitationRevoke(ctx, tx, id)
		if err != nil {
			return fmt.Errorf("revoke invitation: %w", err)
		}
		if revoked == 0 {
			return errNoMember
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.InvitationRevoked, Target: invitationTarget(id)})
	})
}

var errInvitation = fault.New(fault.NotFound, "This invitation is not, or no longer, open.").In("token")

// AcceptInvitation lets somebody in who was invited. Who has no login yet gets one, by this
// name and password; who has one proves it by their password, and keeps their name.
func (s *Service) AcceptInvitation(ctx context.Context, token, name, password string) (Tokens, error) {
	id, hash, ok := parseToken(invitationPrefix, token)
	if !ok {
		return Tokens{}, errInvitation
	}
	in := tenant.ID(id)
	var i dbsqlc.InvitationByTokenRow
	err := s.access.InTenant(ctx, in, func(tx pgx.Tx) (err error) {
		i, err = dbsqlc.New().InvitationByToken(ctx, tx, hash)
		if errors.Is(err, pgx.ErrNoRows) {
			return errInvitation
		}
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	who, err := s.loginOf(ctx, i.Email)
	if err != nil {
		return Tokens{}, err
	}
	if who.LoginID != uuid.Nil && who.PasswordHash != nil {
		return s.joinWith(ctx, in, i, password)
	}
	return s.joinAnew(ctx, in, i, who, name, password)
}

// joinWith lets in whoever has a login and knows its password.
func (s *Service) joinWith(ctx context.Context, in tenant.ID, i dbsqlc.InvitationByTokenRow, password string) (Tokens, error) {
	who, err := s.checkPassword(ctx, i.Email, password)
	if err != nil {
		return Tokens{}, err
	}
	err = s.access.InTenant(ctx, in, func(tx pgx.Tx) error { return accept(ctx, tx, i, who.LoginID) })
	if err != nil {
		return Tokens{}, err
	}
	return s.admit(ctx, in, start{login: who.LoginID})
}

// joinAnew makes a login, or gives one its first password that came by a provider before: the
// invitation proves that the address is theirs.
func (s *Service) joinAnew(ctx context.Context, in tenant.ID, i dbsqlc.InvitationByTokenRow, who login, name, password string) (Tokens, error) {
	if err := checkName("name", name, 200); err != nil {
		return Tokens{}, err
	}
	if err := s.policy.check("password", password, name, i.Email); err != nil {
		return Tokens{}, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return Tokens{}, err
	}
	err = s.access.InTenant(ctx, in, func(tx pgx.Tx) error {
		if who.LoginID == uuid.Nil {
			if who.LoginID, err = makeLogin(ctx, tx, i.Email, name, &hash); err != nil {
				return err
			}
		} else if err := dbsqlc.New().LoginSetPassword(ctx, tx, dbsqlc.LoginSetPasswordParams{LoginID: who.LoginID, PasswordHash: &hash}); err != nil {
			return fmt.Errorf("store password: %w", err)
		}
		return accept(ctx, tx, i, who.LoginID)
	})
	if err != nil {
		return Tokens{}, err
	}
	return s.enter(ctx, in, start{login: who.LoginID})
}

// makeLogin makes somebody who can sign in.
func makeLogin(ctx context.Context, tx pgx.Tx, email, name string, hash *string) (uuid.UUID, error) {
	id := uuid.New()
	made, err := dbsqlc.New().LoginCreate(ctx, tx, dbsqlc.LoginCreateParams{LoginID: id, Email: email, Name: name, PasswordHash: hash})
	if err != nil {
		return id, fmt.Errorf("create login: %w", err)
	}
	if made == 0 { // somebody else with this address came in between
		return id, fault.New(fault.Unavailable, "Somebody is signing up with this address at the moment. Try again.")
	}
	return id, nil
}

// accept makes somebody a member; of several at once, one.
func accept(ctx context.Context, tx pgx.Tx, i dbsqlc.InvitationByTokenRow, login uuid.UUID) error {
	queries := dbsqlc.New()
	if err := queries.MemberTakeTurn(ctx, tx); err != nil {
		return fmt.Errorf("take turn: %w", err)
	}
	accepted, err := queries.InvitationAccept(ctx, tx, i.InvitationID)
	if err != nil {
		return fmt.Errorf("accept invitation: %w", err)
	}
	if accepted == 0 {
		return errInvitation
	}
	if err := queries.MemberJoin(ctx, tx, dbsqlc.MemberJoinParams{LoginID: login, RoleID: i.RoleID}); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	return audit.Write(audit.WithActor(ctx, audit.Actor{Kind: audit.Member, ID: login}), tx,
		audit.Entry{Action: audit.InvitationAccepted, Target: invitationTarget(i.InvitationID), After: map[string]any{"member": login}})
}
