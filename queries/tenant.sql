-- The tenant of the transaction, and the database's clock: everything acknowledged
-- before it is counted in what this transaction reads. Raw events are all there from the
-- end of the last month that has been dropped; the epoch is before all events.
-- name: TenantGet :one
select
  t.tenant_id, t.name, t.zone, t.week_start, t.created_at, t.event_retention_months,
  t.document_mode, t.currency, t.churn_rule, t.app_name, t.logo_url, t.accent,
  now()::timestamptz as watermark,
  coalesce((
    select (max(p.month) + interval '1 month') at time zone 'UTC'
    from archive_part p
    where p.state = 'dropped'
  ), 'epoch')::timestamptz as raw_since
from tenant t;

-- What is not given stays.
-- name: TenantChange :exec
update tenant
set
  name = coalesce(sqlc.narg(name), name),
  zone = coalesce(sqlc.narg(zone), zone),
  week_start = coalesce(sqlc.narg(week_start), week_start),
  currency = coalesce(sqlc.narg(currency), currency),
  app_name = case when @rebrand::boolean then sqlc.narg(app_name) else app_name end,
  logo_url = case when @rebrand then sqlc.narg(logo_url) else logo_url end,
  accent = case when @rebrand then sqlc.narg(accent) else accent end;

-- Waits for the turn of whoever writes events, as EventTakeTurn does: what is then found out
-- of them holds until the transaction ends.
-- name: TenantTakeTurn :exec
select pg_advisory_xact_lock(hashtextextended(current_tenant()::text, 0));

-- The zone, and whether anything has been kept by its days.
-- name: TenantZone :one
select
  t.zone,
  (exists (select from day_version) or exists (select from identity) or exists (select from archive_part)
    or exists (select from revenue_fact))::boolean as counts
from tenant t;

-- Gives what it was before, as below.
-- name: TenantSetDocumentMode :one
update tenant t
set document_mode = @mode
from tenant old
where old.tenant_id = t.tenant_id
returning old.document_mode as before;

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
-- name: TenantCreate :exec
insert into tenant (tenant_id, name, zone, week_start)
values (@tenant_id, @name, @zone, @week_start);

-- Worker.
-- name: TenantList :many
select tenant_id, name, zone, event_retention_months
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
