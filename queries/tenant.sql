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

-- name: TenantSetEventRetention :execrows
update tenant
set event_retention_months = sqlc.narg(months);

-- name: TenantSetDocumentMode :execrows
update tenant
set document_mode = @mode;

-- Worker.
-- name: TenantSetEventRetentionOf :execrows
update tenant
set event_retention_months = sqlc.narg(months)
where tenant_id = @tenant_id;

-- Worker: a tenant has no tenant to belong to yet.
-- name: TenantCreate :one
insert into tenant (tenant_id, name, zone, week_start)
values (@tenant_id, @name, @zone, @week_start)
returning tenant_id, name, zone, week_start, created_at, event_retention_months, document_mode;

-- Worker.
-- name: TenantList :many
select tenant_id, name, zone, week_start, created_at, event_retention_months, document_mode
from tenant
order by created_at, tenant_id;
