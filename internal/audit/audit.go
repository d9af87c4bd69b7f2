// Package audit keeps who did what: entries are added to their tenant's chain, in the
// transaction of the change that they tell of, and can afterwards be neither changed nor
// taken out without [Verify] finding it.
package audit

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Entry is what is to be kept of a change. Who and from where come from the context, when
// and its place in the chain from the database.
type Entry struct {
	Action Action
	Target Target
	// Before and After are what was changed, as encoding/json writes it; nil: nothing. Leave
	// secrets out, and what is known of a tenant's users: an erased person leaves numbers.
	Before, After any
	// Tenant is whose chain it belongs to, where the transaction names none; else empty.
	Tenant tenant.ID
}

// Target is what was changed. The type is in lower case, the id as the database has it;
// it is empty where there is one alone.
type Target struct {
	Type, ID string // at most 60 and 200 characters
}

// Write adds an entry to its tenant's chain. It must be the last that a transaction does, of
// entries for several tenants in the order of their ids: until the transaction ends, no other
// can add to that chain.
func Write(ctx context.Context, tx pgx.Tx, e Entry) error {
	before, err := keep(e.Before)
	if err != nil {
		return fmt.Errorf("write audit entry %s: before: %w", e.Action, err)
	}
	after, err := keep(e.After)
	if err != nil {
		return fmt.Errorf("write audit entry %s: after: %w", e.Action, err)
	}
	who, from := ActorOf(ctx), fault.ClientOf(ctx)
	params := dbsqlc.AuditEntryInsertParams{
		TenantID: orNone(uuid.UUID(e.Tenant)),
		Action:   string(e.Action), ActorKind: string(who.Kind), ActorID: orNone(who.ID), ActorName: text(who.Name, maxName),
		Impersonator: orNone(who.Impersonator), TargetType: e.Target.Type, TargetID: e.Target.ID,
		Before: before, After: after,
		UserAgent: text(from.UserAgent, maxUserAgent), Request: text(fault.Request(ctx), maxRequest),
	}
	if from.Address.IsValid() {
		params.Address = text(from.Address.Unmap().WithZone("").String(), maxAddress)
	}
	if err := dbsqlc.New().AuditEntryInsert(ctx, tx, params); err != nil {
		return fmt.Errorf("write audit entry %s: %w", e.Action, err)
	}
	return nil
}

// WriteSystem adds an entry to the chain of what belongs to no tenant, such as a sign-in that
// failed. Only the command line reads it. The transaction's tenant, if it has one, is the
// same afterwards.
func WriteSystem(ctx context.Context, tx pgx.Tx, e Entry) error {
	queries := dbsqlc.New()
	named, err := queries.AuditTenantNamed(ctx, tx)
	if err != nil {
		return fmt.Errorf("write audit entry %s: %w", e.Action, err)
	}
	if err := queries.TenantEnter(ctx, tx, tenant.None.String()); err != nil {
		return fmt.Errorf("write audit entry %s: %w", e.Action, err)
	}
	e.Tenant = tenant.None // the one that the transaction names now
	if err := Write(ctx, tx, e); err != nil {
		return err
	}
	if err := queries.TenantEnter(ctx, tx, named); err != nil {
		return fmt.Errorf("write audit entry %s: %w", e.Action, err)
	}
	return nil
}

// How many characters are kept.
const (
	maxName      = 200
	maxAddress   = 64
	maxUserAgent = 256
	maxRequest   = 64
)

// text is what PostgreSQL can keep of a text; nil: it is empty.
func text(s string, most int) *string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	if s == "" {
		return nil
	}
	return &s
}

func orNone(id uuid.UUID) uuid.NullUUID { return uuid.NullUUID{UUID: id, Valid: id != uuid.Nil} }
