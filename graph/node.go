package graph

import (
	"context"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
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
		return found(r.findMetric(ctx, key))
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
	case documentNode:
		return r.findDocument(ctx, key)
	case auditNode:
		return r.findEntry(ctx, key)
	case reportNode:
		return found(r.findReport(ctx, id))
	case shareNode:
		return found(r.findShared(ctx, id))
	case summaryNode:
		return r.findSummary(ctx, key)
	case keyNode:
		id, err := parseUUID(key)
		if err != nil {
			return nil, err
		}
		return found(loader.From(ctx).APIKey.Load(ctx, id)())
	case mergeNode, erasureNode, noteNode:
		return r.findAct(ctx, kind, key)
	case memberNode, invitationNode, roleNode, providerNode:
		return r.findStaff(ctx, kind, key)
	}
	return r.findCustomer(ctx, kind, key)
}

// findCustomer finds who or what has a number.
func (r *Resolver) findCustomer(ctx context.Context, kind, key string) (model.Node, error) {
	id, ok := parseNumber(key)
	if !ok {
		return nil, errNoNode
	}
	loaders := loader.From(ctx)
	switch kind {
	case personNode:
		return found(loaders.Person.Load(ctx, id)())
	case identityNode:
		return found(loaders.Identity.Load(ctx, id)())
	case accountNode:
		return found(loaders.Account.Load(ctx, id)())
	case cohortNode:
		return found(loaders.Cohort.Load(ctx, id)())
	case healthChangeNode:
		return found(loaders.HealthChange.Load(ctx, id)())
	case ticketNode:
		return found(loaders.Ticket.Load(ctx, id)())
	}
	return findRevenue(ctx, kind, id)
}

// findRevenue finds what was said of revenue, or follows from it.
func findRevenue(ctx context.Context, kind string, id int64) (model.Node, error) {
	loaders := loader.From(ctx)
	switch kind {
	case pricePlanNode:
		return found(loaders.Plan.Load(ctx, id)())
	case subscriptionNode:
		return found(loaders.Subscription.Load(ctx, id)())
	case invoiceNode:
		return found(loaders.Invoice.Load(ctx, id)())
	case paymentNode:
		return found(loaders.Payment.Load(ctx, id)())
	case movementNode:
		return found(loaders.Movement.Load(ctx, id)())
	case rateNode:
		return found(loaders.ExchangeRate.Load(ctx, id)())
	}
	return nil, errNoNode
}

// findAct finds what somebody has done.
func (r *Resolver) findAct(ctx context.Context, kind, key string) (model.Node, error) {
	id, err := parseUUID(key)
	if err != nil {
		return nil, err
	}
	if kind == noteNode {
		return found(loader.From(ctx).Note.Load(ctx, id)())
	}
	if kind == mergeNode {
		merge, err := r.Customers.FindMerge(ctx, id)
		return found(&merge, err)
	}
	erasure, err := r.Customers.FindErasure(ctx, id)
	return found(&erasure, err)
}

// found turns what a loader or a subject gives into a node.
func found[T any](thing *T, err error) (model.Node, error) {
	thing, err = existing(thing, err)
	if err != nil {
		return nil, err // and no typed nil, which would be a node
	}
	return thing, nil
}

// existing gives one answer to an id of nothing, whatever the subject says of it: a loader
// gives nil.
func existing[T any](thing *T, err error) (*T, error) {
	if f, ok := fault.Of(err); ok && f.Code == fault.NotFound || err == nil && thing == nil {
		return nil, errNoNode
	}
	return thing, err
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
