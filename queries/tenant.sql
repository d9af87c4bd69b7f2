-- The tenant of the transaction, and the database's clock: everything acknowledged
-- before it is counted in what this transaction reads. Raw events are all there from the
-- end of the last month that has been dropped; the epoch is before all events.
-- name: TenantGet :one
select
  t.tenant_id, t.name, t.zone, t.week_start, t.created_at, t.event_retention_months,
  now()::timestamptz as watermark,
  coalesce((
    select (max(p.month) + interval '1 month') at time zone 'UTC'
    from archive_part p
    where p.state = 'dropped'
  ), 'epoch')::timestamptz as raw_since
from tenant t;

-- name: TenantSetEventRetention :execrows
update tenant
set event_retention_months = sqlc.narg(months);

-- Worker.
-- name: TenantSetEventRetentionOf :execrows
update tenant
set event_retention_months = sqlc.narg(months)
where tenant_id = @tenant_id;

-- Worker: a tenant has no tenant to belong to yet.
-- name: TenantCreate :one
insert into tenant (tenant_id, name, zone, week_start)
values (@tenant_id, @name, @zone, @week_start)
returning tenant_id, name, zone, week_start, created_at, event_retention_months, suspended_at;

-- Worker.
-- name: TenantList :many
select tenant_id, name, zone, week_start, created_at, event_retention_months, suspended_at, second_factor
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
