package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Role is what members may be.
type Role struct {
	ID           uuid.UUID
	Builtin      access.Builtin // empty: made by the tenant
	Name         string
	Permissions  access.Permissions
	SecondFactor bool
	Rows         []byte // the row conditions, as access.Rows writes them; nil: none
}

func toRole(r dbsqlc.RoleListByIDsRow) Role {
	made := Role{ID: r.RoleID, Name: r.Name, SecondFactor: r.SecondFactor, Rows: r.RowConditions}
	if r.Builtin.Valid {
		made.Builtin = access.Builtin(r.Builtin.BuiltinRole)
		made.Permissions = made.Builtin.Permissions()
		return made
	}
	for _, name := range r.Permissions {
		made.Permissions |= access.Of(access.Permission(name))
	}
	return made
}

// told is what the audit log keeps of a role.
func (r Role) told() map[string]any {
	told := map[string]any{"name": r.Name, "permissions": r.Permissions.List(), "requiresSecondFactor": r.SecondFactor}
	if r.Rows != nil {
		told["rows"] = json.RawMessage(r.Rows)
	}
	return told
}

func roleTarget(id uuid.UUID) audit.Target { return audit.Target{Type: "role", ID: id.String()} }

// RoleDraft is what a role is to be.
type RoleDraft struct {
	Name         string
	Permissions  []access.Permission
	SecondFactor bool
	Rows         *access.Rows // which rows its members see; nil: all
}

// rows is how the conditions are kept.
func (d RoleDraft) rows() []byte {
	if d.Rows == nil {
		return nil
	}
	return []byte(d.Rows.Key())
}

// check says what is wrong with a draft, for whoever makes it: they give nothing that they
// have not got.
func (d RoleDraft) check(who access.Principal) (access.Permissions, error) {
	if err := checkName("name", d.Name, 100); err != nil {
		return 0, err
	}
	set := access.Of(d.Permissions...)
	switch {
	case set.Has(access.Ingest):
		return 0, fault.Input("permissions", "INGEST is for keys: people do not send events.")
	case !who.Permissions.Contains(set):
		return 0, errMoreThanOwn.In("permissions")
	case set.Has(access.Read):
		set |= access.Of(access.ReadMetrics) // whoever sees events could count them
	}
	if d.Rows != nil {
		return set, access.Conditionable(set)
	}
	return set, nil
}

// checkName lets a name be what people can read and PostgreSQL can keep.
func checkName(field, name string, most int) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > most || strings.TrimSpace(name) == "" {
		return fault.Input(field, "A name of 1 to %d characters is needed.", most)
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fault.Input(field, "The name has a character that cannot be kept.")
	}
	return nil
}

var (
	errMoreThanOwn = fault.New(fault.Forbidden, "You can't give what you may not do yourself.")
	errNoRole      = fault.New(fault.NotFound, "There is no such role.").In("role")
	errRoleName    = fault.Input("name", "There is a role of this name already.")
	errBuiltin     = fault.Input("id", "This role is the same in every tenant: it can't be changed.")
)

// Roles lists the roles of the tenant that asks, the builtin ones first.
func (s *Service) Roles(ctx context.Context) (roles []Role, err error) {
	who, err := access.Require(ctx, access.ManageMembers)
	if err != nil {
		return nil, err
	}
	topic.Note(ctx, topic.All(who.Tenant, topic.Role))
	err = s.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		list, err := dbsqlc.New().RoleList(ctx, tx)
		for _, r := range list {
			roles = append(roles, toRole(dbsqlc.RoleListByIDsRow(r)))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	return roles, nil
}

// CreateRole makes a role of the tenant's own.
func (s *Service) CreateRole(ctx context.Context, draft RoleDraft) (made Role, err error) {
	err = s.manage(ctx, func(tx pgx.Tx, who access.Principal) error {
		set, err := draft.check(who)
		if err != nil {
			return err
		}
		made = Role{ID: uuid.New(), Name: draft.Name, Permissions: set, SecondFactor: draft.SecondFactor, Rows: draft.rows()}
		err = dbsqlc.New().RoleCreate(ctx, tx, dbsqlc.RoleCreateParams{RoleID: made.ID, Name: made.Name, Permissions: names(set), SecondFactor: made.SecondFactor, RowConditions: made.Rows})
		if postgres.Refused(err) {
			return errRoleName.Because(err)
		}
		if err != nil {
			return fmt.Errorf("create role: %w", err)
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.RoleCreated, Target: roleTarget(made.ID), After: made.told()})
	})
	return made, err
}

func names(set access.Permissions) []string {
	list := []string{}
	for _, p := range set.List() {
		list = append(list, string(p))
	}
	return list
}

// UpdateRole changes a role of the tenant's own, for all who have it, within two seconds. Nobody
// changes the role that they have.
func (s *Service) UpdateRole(ctx context.Context, id uuid.UUID, draft RoleDraft) (made Role, err error) {
	err = s.manage(ctx, func(tx pgx.Tx, who access.Principal) error {
		was, err := ownRole(ctx, tx, who, id)
		if err != nil {
			return err
		}
		set, err := draft.check(who)
		if err != nil {
			return err
		}
		made = Role{ID: id, Name: draft.Name, Permissions: set, SecondFactor: draft.SecondFactor, Rows: draft.rows()}
		err = dbsqlc.New().RoleUpdate(ctx, tx, dbsqlc.RoleUpdateParams{RoleID: id, Name: made.Name, Permissions: names(set), SecondFactor: made.SecondFactor, RowConditions: made.Rows})
		if postgres.Refused(err) {
			return errRoleName.Because(err)
		}
		if err != nil {
			return fmt.Errorf("change role: %w", err)
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.RoleChanged, Target: roleTarget(id), Before: was.told(), After: made.told()})
	})
	s.sessions.Forget()
	return made, err
}

// RemoveRole takes a role away that nobody has, and nobody is to get.
func (s *Service) RemoveRole(ctx context.Context, id uuid.UUID) error {
	return s.manage(ctx, func(tx pgx.Tx, who access.Principal) error {
		was, err := ownRole(ctx, tx, who, id)
		if err != nil {
			return err
		}
		used, err := dbsqlc.New().RoleInUse(ctx, tx, id)
		if err != nil {
			return fmt.Errorf("look for members of role: %w", err)
		}
		if used {
			return fault.Input("id", "Somebody has this role, or is to get it.")
		}
		if err := dbsqlc.New().RoleRemove(ctx, tx, id); err != nil {
			return fmt.Errorf("remove role: %w", err)
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.RoleRemoved, Target: roleTarget(id), Before: was.told()})
	})
}

// ownRole finds a role that the tenant has made, and that is not more than who asks has.
func ownRole(ctx context.Context, tx pgx.Tx, who access.Principal, id uuid.UUID) (Role, error) {
	r, err := roleOf(ctx, tx, id)
	switch {
	case err != nil:
		return r, errors.Join(err)
	case r.Builtin != "":
		return r, errBuiltin
	case who.Kind == access.MemberKind && who.Role == id:
		return r, fault.New(fault.Forbidden, "Nobody changes the role that they have.").In("id")
	case !who.Permissions.Contains(r.Permissions):
		return r, errMoreThanOwn.In("id")
	}
	return r, nil
}

func roleOf(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Role, error) {
	roles, err := rolesOf(ctx, tx, []uuid.UUID{id})
	return roles[id], err
}

// rolesOf finds roles by one statement, all of them or none.
func rolesOf(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) (map[uuid.UUID]Role, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := dbsqlc.New().RoleListByIDs(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("find roles: %w", err)
	}
	roles := make(map[uuid.UUID]Role, len(list))
	for _, r := range list {
		roles[r.RoleID] = toRole(r)
	}
	for _, id := range ids {
		if _, found := roles[id]; !found {
			return nil, errNoRole
		}
	}
	return roles, nil
}

// withRoles makes something of each row and its role. A row of no role gets the zero Role.
func withRoles[Row, T any](ctx context.Context, tx pgx.Tx, rows []Row, roleID func(Row) uuid.UUID, made func(Row, Role) T) ([]T, error) {
	var ids []uuid.UUID
	for _, row := range rows {
		if id := roleID(row); id != uuid.Nil {
			ids = append(ids, id)
		}
	}
	roles, err := rolesOf(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]T, 0, len(rows))
	for _, row := range rows {
		list = append(list, made(row, roles[roleID(row)]))
	}
	return list, nil
}

// mayGive says whether who asks may give somebody a role, or take it away.
func mayGive(who access.Principal, r Role) error {
	if r.Builtin == access.Owner && who.Builtin != access.Owner {
		return fault.New(fault.Forbidden, "Only an owner makes owners, or unmakes them.").In("role")
	}
	if !who.Permissions.Contains(r.Permissions) {
		return errMoreThanOwn.In("role")
	}
	return nil
}

// SecondFactorRequired tells whether everybody in the tenant that asks needs a second factor.
func (s *Service) SecondFactorRequired(ctx context.Context) (required bool, err error) {
	who, err := access.Require(ctx, access.ManageMembers)
	if err != nil {
		return false, err
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Tenant, ""))
	err = s.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		required, err = dbsqlc.New().TenantSecondFactor(ctx, tx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read tenant: %w", err)
	}
	return required, nil
}

// RequireSecondFactor says whether everybody in the tenant needs a second factor. Whoever has
// none may do nothing else before they have set one up.
func (s *Service) RequireSecondFactor(ctx context.Context, required bool) error {
	err := s.manage(ctx, func(tx pgx.Tx, who access.Principal) error {
		was, err := dbsqlc.New().TenantSecondFactor(ctx, tx)
		if err != nil {
			return fmt.Errorf("read tenant: %w", err)
		}
		if err := dbsqlc.New().TenantSetSecondFactor(ctx, tx, required); err != nil {
			return fmt.Errorf("change tenant: %w", err)
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.TenantChanged, Target: audit.Target{Type: "tenant", ID: who.Tenant.String()},
			Before: map[string]any{"requiresSecondFactor": was}, After: map[string]any{"requiresSecondFactor": required}})
	})
	s.sessions.Forget()
	return err
}
