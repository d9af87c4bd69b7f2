package graph

import (
	"context"
	"errors"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/people"
)

// sameNotFound lets all that is not found look the same.
func sameNotFound(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == fault.NotFound {
		return errNoNode
	}
	return err
}

func (r *Resolver) members(ctx context.Context, first int, after *string) (*model.MemberConnection, error) {
	from, err := placeOf(after, parseStaffKey)
	if err != nil {
		return nil, err
	}
	page, total, err := r.Staff.Members(ctx, first, from)
	if err != nil {
		return nil, err
	}
	c := &model.MemberConnection{TotalCount: total}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.MemberEdge](ctx, page.Members, page.More, after,
		func(m *people.Member) string { return staffKey(m.JoinedAt, m.Login) }, toMember)
	return c, nil
}

func (r *Resolver) invitations(ctx context.Context, first int, after *string) (*model.InvitationConnection, error) {
	before, err := placeOf(after, parseStaffKey)
	if err != nil {
		return nil, err
	}
	page, total, err := r.Staff.Invitations(ctx, first, before)
	if err != nil {
		return nil, err
	}
	c := &model.InvitationConnection{TotalCount: total}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.InvitationEdge](ctx, page.Invitations, page.More, after,
		func(i *people.Invitation) string { return staffKey(i.InvitedAt, i.ID) }, toInvitation)
	return c, nil
}

// maxShort is how much of a short list one page may have.
const maxShort = 100

// cut takes a page out of a short list that was read whole. The cursor is the id of what stands
// before it.
func cut[T any](list []T, id func(*T) string, first int, after *string) (page []T, more bool, err error) {
	if first < 1 || first > maxShort {
		return nil, false, fault.Input("first", "Between 1 and %d are allowed.", maxShort)
	}
	key, err := parseCursor(after)
	if err != nil {
		return nil, false, err
	}
	start := 0
	if after != nil {
		for start < len(list) && id(&list[start]) != key {
			start++
		}
		if start == len(list) {
			return nil, false, errBadCursor
		}
		start++
	}
	end := min(start+first, len(list))
	return list[start:end], end < len(list), nil
}

func (r *Resolver) roles(ctx context.Context, first int, after *string) (*model.RoleConnection, error) {
	all, err := r.Staff.Roles(ctx)
	if err != nil {
		return nil, err
	}
	key := func(r *people.Role) string { return r.ID.String() }
	page, more, err := cut(all, key, first, after)
	if err != nil {
		return nil, err
	}
	c := &model.RoleConnection{TotalCount: len(all)}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.RoleEdge](ctx, page, more, after, key, toRole)
	return c, nil
}

func (r *Resolver) identityProviders(ctx context.Context, first int, after *string) (*model.IdentityProviderConnection, error) {
	all, err := r.Staff.Providers(ctx)
	if err != nil {
		return nil, err
	}
	key := func(p *people.Provider) string { return p.ID.String() }
	page, more, err := cut(all, key, first, after)
	if err != nil {
		return nil, err
	}
	c := &model.IdentityProviderConnection{TotalCount: len(all)}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.IdentityProviderEdge](ctx, page, more, after, key, toProvider)
	return c, nil
}
