-- Worker: moves on the day up to which a tenant's days are over.
-- name: ClosingAdvance :execrows
insert into closing as c (tenant_id, closed_before)
values (@tenant_id, @closed_before)
on conflict (tenant_id) do update
set closed_before = excluded.closed_before, closed_at = now()
where excluded.closed_before > c.closed_before;

-- Worker: how many closed days are out of date in the views, and how many there are.
-- name: ClosingStaleCount :one
select
  (count(*) filter (where t.version is distinct from v.version))::bigint as stale,
  count(*)::bigint as days
from day_version v
join closing c on c.tenant_id = v.tenant_id and v.day < c.closed_before
left join materialized.day_total t on t.tenant_id = v.tenant_id and t.day = v.day;

-- Worker: whose days those are.
-- name: ClosingStaleTenants :many
select distinct v.tenant_id
from day_version v
join closing c on c.tenant_id = v.tenant_id and v.day < c.closed_before
left join materialized.day_total t on t.tenant_id = v.tenant_id and t.day = v.day
where t.version is distinct from v.version
order by v.tenant_id;

-- Worker: a restored database has its views empty, and then they can't be read.
-- name: ClosingViewsEmpty :one
select exists (
  select
  from pg_class c
  where c.oid in ('materialized.day_total'::regclass, 'materialized.day_type'::regclass)
    and not c.relispopulated
);

-- Worker.
-- name: ClosingFillDayTotal :exec
refresh materialized view materialized.day_total;

-- Worker.
-- name: ClosingFillDayType :exec
refresh materialized view materialized.day_type;

-- Worker.
-- name: ClosingRefreshDayTotal :exec
refresh materialized view concurrently materialized.day_total;

-- Worker.
-- name: ClosingRefreshDayType :exec
refresh materialized view concurrently materialized.day_type;

-- One worker at a time; the lock goes with the transaction.
-- name: ClosingTryLock :one
select pg_try_advisory_xact_lock(hashtext('tidemark_closing'));
