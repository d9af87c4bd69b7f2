-- Adds an entry to the chain of the tenant that is named, or else of the transaction's. The
-- trigger gives it its place, time and hash.
-- name: AuditEntryInsert :exec
insert into audit_entry (
  tenant_id, action, actor_kind, actor_id, actor_name, impersonator, target_type, target_id,
  before, after, address, user_agent, request
)
values (
  coalesce(sqlc.narg(tenant_id)::uuid, current_tenant()),
  @action, @actor_kind, sqlc.narg(actor_id), sqlc.narg(actor_name), sqlc.narg(impersonator), @target_type, @target_id,
  sqlc.narg(before)::json, sqlc.narg(after)::json, sqlc.narg(address), sqlc.narg(user_agent), sqlc.narg(request)
);

-- The tenant that the transaction names; '' is none.
-- name: AuditTenantNamed :one
select coalesce(current_setting('app.tenant_id', true), '')::text as tenant;

-- The newest first, from the one before a place on.
-- name: AuditEntryPage :many
select
  tenant_id, seq, at, action, actor_kind, actor_id, actor_name, impersonator, target_type, target_id,
  before::text as before, after::text as after, address, user_agent, request, previous, hash
from audit_entry
where seq < @before_seq
  and (cardinality(@actions::text[]) = 0 or action = any (@actions::text[]))
  and (sqlc.narg(actor)::uuid is null or actor_id = sqlc.narg(actor))
  and (sqlc.narg(target_type)::text is null or target_type = sqlc.narg(target_type))
  and (sqlc.narg(target_id)::text is null or target_id = sqlc.narg(target_id))
  and (sqlc.narg(since)::timestamptz is null or at >= sqlc.narg(since))
  and (sqlc.narg(until)::timestamptz is null or at < sqlc.narg(until))
order by seq desc
limit @most;
