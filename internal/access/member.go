package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// ErrNoMember says that a login does not, or no longer, belong to a tenant.
var ErrNoMember = fault.New(fault.Unauthenticated, "You are not, or no longer, a member of this tenant.")

// MemberPrincipal says what a login may do in the tenant of the transaction; UNAUTHENTICATED
// if it is no member, or the tenant is suspended. Needed tells whether the role asks for a
// second factor. Session, Impersonator and Expires are the caller's to fill in.
func MemberPrincipal(ctx context.Context, tx pgx.Tx, login uuid.UUID) (p Principal, needsSecondFactor bool, err error) {
	row, err := dbsqlc.New().MemberAuthenticate(ctx, tx, login)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, false, ErrNoMember
	}
	if err != nil {
		return p, false, fmt.Errorf("find member: %w", err)
	}
	p = Principal{Tenant: row.TenantID, Kind: MemberKind, Login: login, Role: row.RoleID}
	if row.Builtin.Valid {
		p.Builtin = Builtin(row.Builtin.BuiltinRole)
		p.Permissions = p.Builtin.Permissions()
		return p, row.SecondFactor, nil
	}
	for _, name := range row.Permissions {
		p.Permissions |= Of(Permission(name))
	}
	// Whatever a custom role says, what is sent is sent by keys.
	p.Permissions &^= Of(Ingest)
	if p.Rows, err = ParseRows(row.RowConditions); err != nil {
		return Principal{}, false, fmt.Errorf("read row conditions of role %s: %w", row.RoleID, err)
	}
	if p.Rows != nil { // nor more than can be narrowed
		p.Permissions &= conditionable
	}
	return p, row.SecondFactor, nil
}
