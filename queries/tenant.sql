-- The tenant of the transaction, and the database's clock: everything acknowledged
-- before it is counted in what this transaction reads. Raw events are all there from the
-- end of the last month that has been dropped; the epoch is before all events.
-- name: TenantGet :one
select
  t.tenant_id, t.name, t.zone, t.week_start, t.created_at, t.event_retention_months,
  t.document_mode,
  now()::timestamptz as watermark,
  coalesce((
    select (max(p.month) + interval '1 month') at time zone 'UTC'
    from archive_part p
    where p.state = 'dropped'
  ), 'epoch')::timestamptz as raw_since
from tenant t;

-- name: TenantSetDocumentMode :execrows
update tenant
set document_mode = @mode;

-- Gives what it was before: the joined row is as it was when the statement began.
-- name: TenantSetEventRetention :one
update tenant t
set event_retention_months = sqlc.narg(months)
from tenant old
where old.tenant_id = t.tenant_id
returning old.event_retention_months as before;

-- Worker: the same.
-- name: TenantSetEventRetentionOf :one
update tenant t
set event_retention_months = sqlc.narg(months)
from tenant old
where old.tenant_id = t.tenant_id and t.tenant_id = @tenant_id
returning old.event_retention_months as before;

-- Worker: a tenant has no tenant to belong to yet.
-- name: TenantCreate :one
insert into tenant (tenant_id, name, zone, week_start)
values (@tenant_id, @name, @zone, @week_start)
returning tenant_id, name, zone, week_start, created_at, event_retention_months, suspended_at, document_mode;

-- Worker.
-- name: TenantList :many
select tenant_id, name, zone, week_start, created_at, event_retention_months, suspended_at, document_mode
from tenant
order by created_at, tenant_id;

-- Names the tenant for the rest of the transaction, once it has become known.
-- name: TenantEnter :exec
select set_config('app.tenant_id', @tenant_id::text, true);

-- Whether the tenant of the transaction is open; no tenant is not.
-- name: TenantAdmits :one
select exists (select from tenant where suspended_at is null)::boolean as admits;

-- Worker.
-- name: TenantSuspend :execrows
update tenant
set suspended_at = case when @suspended::boolean then coalesce(suspended_at, now()) end
where tenant_id = @tenant_id;
