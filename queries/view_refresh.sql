-- Worker: gives its number.
-- name: ViewRefreshBegin :one
insert into view_refresh (view, reason, stale_days)
values (@view, @reason, @stale_days)
returning refresh_id;

-- Worker.
-- name: ViewRefreshEnd :exec
update view_refresh
set state = @state, finished_at = clock_timestamp(), error = sqlc.narg(error)
where refresh_id = @refresh_id and state = 'RUNNING';

-- Worker, who alone refreshes while it asks: what still runs was left behind.
-- name: ViewRefreshAbandon :exec
update view_refresh
set state = 'FAILED', finished_at = clock_timestamp(), error = @error::text
where state = 'RUNNING';

-- Worker: keeps the last ones of each view.
-- name: ViewRefreshForget :exec
delete from view_refresh r
where r.refresh_id <= (
  select n.refresh_id
  from view_refresh n
  where n.view = r.view
  order by n.refresh_id desc
  offset @keep
  limit 1
);

-- The last refresh of each view, and the last that came to its end.
-- name: ViewRefreshLast :many
select
  u.view::text as view, l.state, l.reason, l.started_at,
  d.finished_at as done_at, coalesce(d.started_at, 'epoch')::timestamptz as done_since,
  coalesce(l.error, '')::text as error
from unnest(@views::text[]) with ordinality as u (view, n)
cross join lateral (
  select r.state, r.reason, r.started_at, r.error
  from view_refresh r
  where r.view = u.view
  order by r.refresh_id desc
  limit 1
) l
left join lateral (
  select r.started_at, r.finished_at
  from view_refresh r
  where r.view = u.view and r.state = 'DONE'
  order by r.refresh_id desc
  limit 1
) d on true
order by u.n;

-- Of the tenant's days that are over: how many there are, how many are out of date in each
-- view, and up to where none is.
-- name: ViewFreshness :one
select
  count(*)::bigint as closed_days,
  (count(*) filter (where t.version is distinct from v.version))::bigint as total_stale,
  (count(*) filter (where not y.fresh))::bigint as type_stale,
  coalesce(min(v.day) filter (where t.version is distinct from v.version), max(c.closed_before), 'epoch')::date as total_until,
  coalesce(min(v.day) filter (where not y.fresh), max(c.closed_before), 'epoch')::date as type_until
from closing c
join day_version v on v.tenant_id = c.tenant_id and v.day < c.closed_before
left join closed_day t on t.day = v.day
cross join lateral (
  select exists (select from closed_day_type m where m.day = v.day and m.version = v.version) as fresh
) y;
