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
	from, err := parseMomentCursor(after)
	if err != nil {
		return nil, err
	}
	page, total, err := r.Staff.Members(ctx, first, from)
	if err != nil {
		return nil, err
	}
	c := &model.MemberConnection{Nodes: []model.Member{}, TotalCount: total}
	edges, cursors := edgesOf(page.Members, func(m *people.Member) string { return momentKey(m.JoinedAt, m.Login) },
		func(cursor string, m *people.Member) model.MemberEdge {
			node := toMember(*m)
			c.Nodes = append(c.Nodes, *node)
			return model.MemberEdge{Cursor: cursor, Node: node}
		})
	info := pageInfo(cursors, after, page.More)
	c.Edges, c.PageInfo = edges, &info
	return c, nil
}

func (r *Resolver) invitations(ctx context.Context, first int, after *string) (*model.InvitationConnection, error) {
	before, err := parseMomentCursor(after)
	if err != nil {
		return nil, err
	}
	page, total, err := r.Staff.Invitations(ctx, first, before)
	if err != nil {
		return nil, err
	}
	c := &model.InvitationConnection{Nodes: []model.Invitation{}, TotalCount: total}
	edges, cursors := edgesOf(page.Invitations, func(i *people.Invitation) string { return momentKey(i.InvitedAt, i.ID) },
		func(cursor string, i *people.Invitation) model.InvitationEdge {
			node := toInvitation(*i)
			c.Nodes = append(c.Nodes, *node)
			return model.InvitationEdge{Cursor: cursor, Node: node}
		})
	info := pageInfo(cursors, after, page.More)
	c.Edges, c.PageInfo = edges, &info
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
	c := &model.RoleConnection{Nodes: []model.Role{}, TotalCount: len(all)}
	edges, cursors := edgesOf(page, key, func(cursor string, r *people.Role) model.RoleEdge {
		node := toRole(*r)
		c.Nodes = append(c.Nodes, *node)
		return model.RoleEdge{Cursor: cursor, Node: node}
	})
	info := pageInfo(cursors, after, more)
	c.Edges, c.PageInfo = edges, &info
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
	c := &model.IdentityProviderConnection{Nodes: []model.IdentityProvider{}, TotalCount: len(all)}
	edges, cursors := edgesOf(page, key, func(cursor string, p *people.Provider) model.IdentityProviderEdge {
		node := toProvider(*p)
		c.Nodes = append(c.Nodes, *node)
		return model.IdentityProviderEdge{Cursor: cursor, Node: node}
	})
	info := pageInfo(cursors, after, more)
	c.Edges, c.PageInfo = edges, &info
	return c, nil
}
