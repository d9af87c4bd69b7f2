package graph

import (
	"context"
	"encoding/hex"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/auditlog"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

func toEntry(r *audit.Record) *model.AuditEntry {
	return &model.AuditEntry{
		ID: numberID(auditNode, r.Seq), Seq: int(r.Seq), At: r.At.UTC(), Action: audit.Action(r.Action),
		Actor: &model.AuditActor{
			Kind: audit.ActorKind(r.ActorKind), ID: audit.Known(r.ActorID), Name: r.ActorName, Impersonator: audit.Known(r.Impersonator),
		},
		Target: &model.AuditTarget{Type: r.TargetType, ID: r.TargetID}, Before: r.Before, After: r.After,
		Address: r.Address, UserAgent: r.UserAgent, RequestID: r.Request,
		PreviousHash: hex.EncodeToString(r.Previous), Hash: hex.EncodeToString(r.Hash),
	}
}

func entryConnection(ctx context.Context, page auditlog.Page, after *string) *model.AuditEntryConnection {
	c := &model.AuditEntryConnection{}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.AuditEntryEdge](ctx, page.List, page.More, after,
		func(r *audit.Record) string { return decimal(r.Seq) }, toEntry)
	return c
}

// filterOf narrows the log by the arguments of auditLog.
func filterOf(actor *string, target *model.AuditTargetInput) (f auditlog.Filter, err error) {
	if actor != nil {
		id, err := uuid.Parse(*actor)
		if err != nil {
			return f, fault.Input("actor", "An actor's id is a UUID, as entries have it.")
		}
		f.Actor = &id
	}
	if target != nil {
		f.TargetType, f.TargetID = &target.Type, target.ID
	}
	return f, nil
}

func (r *Resolver) findEntry(ctx context.Context, key string) (model.Node, error) {
	seq, ok := parseNumber(key)
	if !ok {
		return nil, errNoNode
	}
	entry, err := r.AuditLog.Find(ctx, seq)
	if err != nil {
		return nil, err
	}
	return toEntry(entry), nil
}
