-- The tenant of the transaction, and the database's clock: everything acknowledged
-- before it is counted in what this transaction reads.
-- name: TenantGet :one
select tenant_id, name, zone, week_start, created_at, now()::timestamptz as watermark
from tenant;

-- Worker: a tenant has no tenant to belong to yet.
-- name: TenantCreate :one
insert into tenant (tenant_id, name, zone, week_start)
values (@tenant_id, @name, @zone, @week_start)
returning tenant_id, name, zone, week_start, created_at;

-- Worker.
-- name: TenantList :many
select tenant_id, name, zone, week_start, created_at
from tenant
order by created_at, tenant_id;
