-- The builtin ones first, and then by name.
-- name: RoleList :many
select role_id, builtin, name, permissions, second_factor, row_conditions, created_at
from role
where removed_at is null
order by builtin nulls last, lower(name), role_id;

-- name: RoleListByIDs :many
select role_id, builtin, name, permissions, second_factor, row_conditions, created_at
from role
where role_id = any(sqlc.arg(role_ids)::uuid[]) and removed_at is null;

-- name: RoleGetBuiltin :one
select role_id, builtin, name, permissions, second_factor, row_conditions, created_at
from role
where builtin = @builtin;

-- name: RoleCreate :exec
insert into role (tenant_id, role_id, name, permissions, second_factor, row_conditions)
values (current_tenant(), @role_id, @name, @permissions, @second_factor, sqlc.narg(row_conditions));

-- name: RoleUpdate :exec
update role
set name = @name, permissions = @permissions, second_factor = @second_factor, row_conditions = sqlc.narg(row_conditions)
where role_id = @role_id and removed_at is null;

-- name: RoleRemove :exec
update role
set removed_at = now()
where role_id = @role_id and removed_at is null;

-- Whether somebody has it, or is to get it.
-- name: RoleInUse :one
select (
  exists (select from member m where m.role_id = @role_id and m.removed_at is null)
  or exists (select from invitation i where i.role_id = @role_id and i.accepted_at is null and i.revoked_at is null and i.expires_at > now())
  or exists (select from identity_provider p where p.default_role_id = @role_id and p.removed_at is null)
)::boolean as in_use;

-- name: TenantSecondFactor :one
select second_factor
from tenant
where tenant_id = current_tenant();

-- name: TenantSetSecondFactor :exec
update tenant
set second_factor = @second_factor
where tenant_id = current_tenant();

-- name: TenantName :one
select name
from tenant
where tenant_id = current_tenant();
