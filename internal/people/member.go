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

// Member is somebody who belongs to the tenant.
type Member struct {
	Login       uuid.UUID
	Email, Name string
	Role        Role
	JoinedAt    time.Time
}

// MemberPage is a part of the list of members.
type MemberPage struct {
	Members []Member
	More    bool
}

func memberTarget(id uuid.UUID) audit.Target { return audit.Target{Type: "member", ID: id.String()} }

// manage runs a change of who may do what, one at a time in a tenant. Who asks is looked up
// again in it: they may have lost the right to it while they waited.
func (s *Service) manage(ctx context.Context, do func(tx pgx.Tx, who access.Principal) error) error {
	who, err := access.Require(ctx, access.ManageMembers)
	if err != nil {
		return err
	}
	return s.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		if err := dbsqlc.New().MemberTakeTurn(ctx, tx); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		if who.Kind == access.MemberKind {
			now, _, err := access.MemberPrincipal(ctx, tx, who.Login)
			if err != nil {
				return err
			}
			who.Permissions &= now.Permissions
			who.Builtin, who.Role = now.Builtin, now.Role
			if !who.May(access.ManageMembers) {
				return access.Lacking(access.ManageMembers)
			}
		}
		return do(tx, who)
	})
}

// Members lists those who belong to the tenant that asks, the oldest first, and counts them.
func (s *Service) Members(ctx context.Context, first int, after *Moment) (page MemberPage, total int, err error) {
	who, err := access.Require(ctx, access.ManageMembers)
	if err != nil {
		return page, 0, err
	}
	if err := checkFirst(first); err != nil {
		return page, 0, err
	}
	var from Moment
	if after != nil {
		from = *after
	}
	topic.Note(ctx, topic.All(who.Tenant, topic.Member))
	topic.Note(ctx, topic.All(who.Tenant, topic.Role))
	err = s.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		list, err := dbsqlc.New().MemberPage(ctx, tx, dbsqlc.MemberPageParams{AfterAt: from.At, AfterID: from.ID, Most: int64(first) + 1})
		if err != nil {
			return err
		}
		shown := list[:min(len(list), first)]
		page.Members, err = withRoles(ctx, tx, shown, func(m dbsqlc.MemberPageRow) uuid.UUID { return m.RoleID },
			func(m dbsqlc.MemberPageRow, role Role) Member { return toMember(dbsqlc.MemberGetRow(m), role) })
		if err != nil {
			return err
		}
		noteLogins(ctx, page.Members)
		page.More = len(list) > first
		n, err := dbsqlc.New().MemberCount(ctx, tx)
		total = int(n)
		return err
	})
	if err != nil {
		return MemberPage{}, 0, fmt.Errorf("list members: %w", err)
	}
	return page, total, nil
}

func toMember(m dbsqlc.MemberGetRow, role Role) Member {
	return Member{m.LoginID, m.Email, m.Name, role, m.JoinedAt}
}

var errNoMember = fault.New(fault.NotFound, "There is nothing with this id.").In("id")

func memberOf(ctx context.Context, tx pgx.Tx, login uuid.UUID) (Member, error) {
	m, err := dbsqlc.New().MemberGet(ctx, tx, login)
	if errors.Is(err, pgx.ErrNoRows) {
		return Member{}, errNoMember
	}
	if err != nil {
		return Member{}, fmt.Errorf("find member: %w", err)
	}
	role, err := roleOf(ctx, tx, m.RoleID)
	return toMember(m, role), err
}

// FindMember finds somebody who belongs to the tenant that asks; NOT_FOUND if there is none.
func (s *Service) FindMember(ctx context.Context, login uuid.UUID) (m Member, err error) {
	noteLogin(ctx, login)
	err = s.look(ctx, topic.Member, func(tx pgx.Tx) error {
		m, err = memberOf(ctx, tx, login)
		return err
	})
	return m, err
}

// Colleagues finds several who belong to the tenant that asks. Who they are may be seen by
// whoever reads what they look after; what they may do is not told to them.
func (s *Service) Colleagues(ctx context.Context, logins []uuid.UUID) (map[uuid.UUID]Member, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	topic.Note(ctx, topic.All(who.Tenant, topic.Member))
	topic.Note(ctx, topic.All(who.Tenant, topic.Role))
	found := make(map[uuid.UUID]Member, len(logins))
	err = s.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		list, err := dbsqlc.New().MemberListByIDs(ctx, tx, logins)
		if err != nil {
			return err
		}
		members, err := withRoles(ctx, tx, list, func(m dbsqlc.MemberListByIDsRow) uuid.UUID { return m.RoleID },
			func(m dbsqlc.MemberListByIDsRow, role Role) Member { return toMember(dbsqlc.MemberGetRow(m), role) })
		noteLogins(ctx, members)
		for _, m := range members {
			found[m.Login] = m
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find members: %w", err)
	}
	return found, nil
}

// FindRole finds a role of the tenant that asks.
func (s *Service) FindRole(ctx context.Context, id uuid.UUID) (r Role, err error) {
	err = s.look(ctx, topic.Role, func(tx pgx.Tx) error {
		r, err = roleOf(ctx, tx, id)
		return err
	})
	return r, err
}

// noteLogin says that an answer tells of somebody what belongs to no tenant, such as their name.
func noteLogin(ctx context.Context, login uuid.UUID) {
	topic.Note(ctx, topic.Exactly(tenant.None, topic.Login, login.String()))
}

func noteLogins(ctx context.Context, members []Member) {
	for _, m := range members {
		noteLogin(ctx, m.Login)
	}
}

// look reads for who may see the tenant's people, all of which tell of roles.
func (s *Service) look(ctx context.Context, subject topic.Subject, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.ManageMembers)
	if err != nil {
		return err
	}
	topic.Note(ctx, topic.All(who.Tenant, subject))
	topic.Note(ctx, topic.All(who.Tenant, topic.Role))
	return s.access.InTenant(ctx, who.Tenant, fn)
}

// ChangeMemberRole makes somebody something else. Nobody changes what they are themselves,
// nor makes or unmakes what they are not; an owner stays as long as there is no other.
func (s *Service) ChangeMemberRole(ctx context.Context, login, to uuid.UUID) (m Member, err error) {
	err = s.manage(ctx, func(tx pgx.Tx, who access.Principal) error {
		was, err := s.changeable(ctx, tx, who, login)
		if err != nil {
			return err
		}
		role, err := roleOf(ctx, tx, to)
		if err != nil {
			return err
		}
		if err := mayGive(who, role); err != nil {
			return err
		}
		if was.Role.Builtin == access.Owner && role.Builtin != access.Owner {
			if err := notTheLast(ctx, tx); err != nil {
				return err
			}
		}
		if err := dbsqlc.New().MemberSetRole(ctx, tx, dbsqlc.MemberSetRoleParams{LoginID: login, RoleID: to}); err != nil {
			return fmt.Errorf("change member: %w", err)
		}
		m = was
		m.Role = role
		return audit.Write(ctx, tx, audit.Entry{Action: audit.MemberChanged, Target: memberTarget(login),
			Before: map[string]any{"role": was.Role.Name}, After: map[string]any{"role": role.Name}})
	})
	s.sessions.Forget()
	return m, err
}

// RemoveMember shows somebody out: their sessions end, and those in which they look as others.
func (s *Service) RemoveMember(ctx context.Context, login uuid.UUID) error {
	err := s.manage(ctx, func(tx pgx.Tx, who access.Principal) error {
		was, err := s.changeable(ctx, tx, who, login)
		if err != nil {
			return err
		}
		if was.Role.Builtin == access.Owner {
			if err := notTheLast(ctx, tx); err != nil {
				return err
			}
		}
		if err := dbsqlc.New().MemberRemove(ctx, tx, login); err != nil {
			return fmt.Errorf("remove member: %w", err)
		}
		if _, err := dbsqlc.New().SessionEndOfMember(ctx, tx, dbsqlc.SessionEndOfMemberParams{LoginID: login, Reason: dbsqlc.SessionEndREMOVED}); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		if err := dbsqlc.New().SessionEndOfImpersonator(ctx, tx, uuid.NullUUID{UUID: login, Valid: true}); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.MemberRemoved, Target: memberTarget(login), Before: map[string]any{"role": was.Role.Name}})
	})
	s.sessions.Forget()
	return err
}

// changeable finds a member whom who asks may change: another, who is not more than they are.
func (s *Service) changeable(ctx context.Context, tx pgx.Tx, who access.Principal, login uuid.UUID) (Member, error) {
	m, err := memberOf(ctx, tx, login)
	if err != nil {
		return m, err
	}
	if who.Login == login {
		return m, fault.New(fault.Forbidden, "Nobody changes what they are themselves.").In("id")
	}
	if mayGive(who, m.Role) != nil {
		return m, fault.New(fault.Forbidden, "This member may do more than you.").In("id")
	}
	return m, nil
}

// notTheLast refuses what would leave the tenant without an owner. The caller has the turn.
func notTheLast(ctx context.Context, tx pgx.Tx) error {
	owners, err := dbsqlc.New().MemberLockOwners(ctx, tx)
	if err != nil {
		return fmt.Errorf("count owners: %w", err)
	}
	if len(owners) < 2 {
		return fault.New(fault.Forbidden, "A tenant keeps one owner at least.").In("id")
	}
	return nil
}
