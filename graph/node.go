package graph

import (
	"context"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// findNode finds what an id names, if it is the asking tenant's.
func (r *Resolver) findNode(ctx context.Context, id string) (model.Node, error) {
	kind, key, err := parseNodeID(id)
	if err != nil {
		return nil, err
	}
	switch kind {
	case tenantNode:
		return r.findTenant(ctx, key)
	case metricNode:
		d, err := metric.Find(key)
		if err != nil {
			return nil, errNoNode
		}
		return d, nil
	case eventNode:
		position, ok := parsePosition(key)
		if !ok {
			return nil, errNoNode
		}
		return found(loader.From(ctx).Event.Load(ctx, position)())
	case eventTypeNode, schemaChangeNode, planNode, quarantinedNode:
		return r.findObserved(ctx, kind, key)
	case partNode:
		return r.findPart(ctx, key)
	case mergeNode, erasureNode:
		return r.findAct(ctx, kind, key)
	case memberNode, invitationNode, roleNode, providerNode:
		return r.findStaff(ctx, kind, key)
	}
	return r.findCustomer(ctx, kind, key)
}

// findCustomer finds who or what has a number.
func (r *Resolver) findCustomer(ctx context.Context, kind, key string) (model.Node, error) {
	id, err := parseNumber(key)
	if err != nil {
		return nil, err
	}
	loaders := loader.From(ctx)
	switch kind {
	case personNode:
		return found(loaders.Person.Load(ctx, id)())
	case identityNode:
		return found(loaders.Identity.Load(ctx, id)())
	case accountNode:
		return found(loaders.Account.Load(ctx, id)())
	}
	return nil, errNoNode
}

// findAct finds what somebody has done.
func (r *Resolver) findAct(ctx context.Context, kind, key string) (model.Node, error) {
	id, err := parseUUID(key)
	if err != nil {
		return nil, err
	}
	if kind == mergeNode {
		merge, err := r.People.FindMerge(ctx, id)
		return &merge, err
	}
	erasure, err := r.People.FindErasure(ctx, id)
	return &erasure, err
}

// found turns what a loader gives into a node; nil is none.
func found[T any](thing *T, err error) (model.Node, error) {
	if err != nil {
		return nil, err
	}
	if thing == nil {
		return nil, errNoNode
	}
	return thing, nil
}

func (r *Resolver) findTenant(ctx context.Context, key string) (model.Node, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	if key != who.Tenant.String() {
		return nil, errNoNode
	}
	settings, err := r.TenantSettings.Current(ctx)
	if err != nil {
		return nil, err
	}
	return toTenant(settings), nil
}
