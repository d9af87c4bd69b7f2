package graph

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/people"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// uuidOf reads an argument that must be the id of a thing of this kind.
func uuidOf(kind, argument, id string) (uuid.UUID, error) {
	if k, key, err := parseNodeID(id); err == nil && k == kind {
		if found, err := parseUUID(key); err == nil {
			return found, nil
		}
	}
	return uuid.Nil, errNoNode.In(argument)
}

// optionalUUID is uuidOf for an argument that need not be given.
func optionalUUID(kind, argument string, id *string) (*uuid.UUID, error) {
	if id == nil {
		return nil, nil
	}
	found, err := uuidOf(kind, argument, *id)
	return &found, err
}

func uuidID(kind string, id uuid.UUID) string { return nodeID(kind, id.String()) }

// tenantOf reads an argument that must be a tenant's id; without one it is none.
func tenantOf(argument string, id *string) (tenant.ID, error) {
	if id == nil {
		return tenant.None, nil
	}
	key, err := uuidOf(tenantNode, argument, *id)
	if err == nil && tenant.ID(key) == tenant.None {
		err = errNoNode.In(argument)
	}
	return tenant.ID(key), err
}

func tenantID(id tenant.ID) string { return nodeID(tenantNode, id.String()) }

// staffKey writes where something stands among what is sorted by time.
func staffKey(at time.Time, id uuid.UUID) string { return fmt.Sprintf("%d.%s", at.UnixMicro(), id) }

func parseStaffKey(key string) (m people.Moment, ok bool) {
	micros, id, _ := strings.Cut(key, ".")
	at, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return m, false
	}
	m.At = time.UnixMicro(at).UTC()
	m.ID, err = parseUUID(id)
	return m, err == nil && staffKey(m.At, m.ID) == key && m.At.Year() >= 2000 && m.At.Year() <= 9999
}

// toSignIn gives what a sign-in has come to, or why it came to nothing.
func toSignIn(t people.Tokens, err error) (*model.SignIn, error) {
	if err != nil {
		return nil, err
	}
	s := &model.SignIn{State: model.SignInStateSignedIn, TenantID: tenantID(t.Tenant)}
	if t.SecondFactor {
		s.State, s.Challenge, s.ChallengeExpiresAt = model.SignInStateSecondFactorNeeded, &t.Challenge, &t.ChallengeTill
		return s, nil
	}
	s.AccessToken, s.AccessTokenExpiresAt = &t.Access, &t.AccessUntil
	if t.Refresh != "" {
		s.RefreshToken, s.RefreshTokenExpiresAt = &t.Refresh, &t.RefreshUntil
	}
	return s, nil
}

func toMemberships(list []people.Membership) []model.Membership {
	shown := make([]model.Membership, len(list))
	for i, m := range list {
		shown[i] = model.Membership{TenantID: tenantID(m.TenantID), TenantName: m.TenantName, RoleName: m.RoleName, JoinedAt: m.JoinedAt}
	}
	return shown
}

func toSession(s *people.Session, current uuid.UUID) *model.Session {
	shown := &model.Session{
		ID: uuidID(sessionNode, s.SessionID), TenantID: tenantID(s.TenantID), Current: s.SessionID == current,
		SignedInAt: s.SignedInAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt, UserAgent: s.UserAgent, SecondFactor: s.SecondFactor,
	}
	if s.Address != nil {
		shown.Address = new(s.Address.String())
	}
	return shown
}

func (r *Resolver) sessions(ctx context.Context, v *people.Viewer, first int, after *string) (*model.SessionConnection, error) {
	c := &model.SessionConnection{Edges: []model.SessionEdge{}, Nodes: []model.Session{}, PageInfo: &model.PageInfo{}}
	if v.Login == uuid.Nil || v.Impersonated {
		return c, nil // a key has none, and another's are not shown
	}
	before, err := placeOf(after, parseStaffKey)
	if err != nil {
		return nil, err
	}
	page, total, err := r.Staff.ListSessions(ctx, first, before)
	if err != nil {
		return nil, err
	}
	c.TotalCount = total
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.SessionEdge](ctx, page.Sessions, page.More, after,
		func(s *people.Session) string { return staffKey(s.SignedInAt, s.SessionID) },
		func(s *people.Session) *model.Session { return toSession(s, v.Session) })
	return c, nil
}

func toRole(r *people.Role) *model.Role {
	shown := &model.Role{
		ID: uuidID(roleNode, r.ID), Name: r.Name, Permissions: r.Permissions.List(), RequiresSecondFactor: r.SecondFactor, Rows: r.Rows,
	}
	if r.Builtin != "" {
		shown.Builtin = &r.Builtin
	}
	return shown
}

func toMember(m *people.Member) *model.Member {
	return &model.Member{ID: uuidID(memberNode, m.Login), Email: m.Email, Name: m.Name, Role: toRole(&m.Role), JoinedAt: m.JoinedAt}
}

func toInvitation(i *people.Invitation) *model.Invitation {
	return &model.Invitation{ID: uuidID(invitationNode, i.ID), Email: i.Email, Role: toRole(&i.Role), InvitedAt: i.InvitedAt, ExpiresAt: i.ExpiresAt}
}

func toProvider(p *people.Provider) *model.IdentityProvider {
	shown := &model.IdentityProvider{
		ID: uuidID(providerNode, p.ID), Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, AllowedDomains: p.AllowedDomains,
		CountsAsSecondFactor: p.SecondFactor, CreatedAt: p.CreatedAt, StartURL: p.StartURL,
	}
	if p.DefaultRole != nil {
		shown.DefaultRole = toRole(p.DefaultRole)
	}
	return shown
}

// findStaff finds who works with Tidemark, and what goes with them.
func (r *Resolver) findStaff(ctx context.Context, kind, key string) (model.Node, error) {
	if _, err := access.Require(ctx, access.ManageMembers); err != nil {
		return nil, err
	}
	id, err := parseUUID(key)
	if err != nil {
		return nil, err
	}
	switch kind {
	case memberNode:
		return shownAs(toMember)(r.Staff.FindMember(ctx, id))
	case invitationNode:
		return shownAs(toInvitation)(r.Staff.FindInvitation(ctx, id))
	case roleNode:
		return shownAs(toRole)(r.Staff.FindRole(ctx, id))
	}
	return shownAs(toProvider)(r.Staff.FindProvider(ctx, id))
}

// shownAs shows what was found; whatever was not is the same NOT_FOUND.
func shownAs[T, S any](show func(*T) *S) func(T, error) (model.Node, error) {
	return func(thing T, err error) (model.Node, error) {
		if err != nil {
			return nil, sameNotFound(err)
		}
		return show(&thing), nil
	}
}

// roleDraft reads what a role is to be.
func roleDraft(in model.RoleInput) (people.RoleDraft, error) {
	rows, err := rowsOf(in.Rows)
	return people.RoleDraft{Name: in.Name, Permissions: in.Permissions, SecondFactor: in.RequireSecondFactor, Rows: rows}, err
}
