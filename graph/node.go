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
		e, err := loader.From(ctx).Event.Load(ctx, position)()
		if err != nil {
			return nil, err
		}
		return e, nil
	case eventTypeNode, schemaChangeNode, planNode, quarantinedNode:
		return r.findObserved(ctx, kind, key)
	}
	return nil, errNoNode
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
