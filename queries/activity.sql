-- Daily, weekly and monthly active users as of the end of days of the tenant's zone, and who
-- returned on them: as kept where none of the 28 days has changed since, else from presence.
-- name: ActivityWindowList :many
with version as materialized (
  select
    v.day,
    coalesce(sum(v.hash) over (order by v.day rows between 27 preceding and current row), 0) as version
  from (
    select n.day, hashint8extended(d.version, 0) as hash
    from (select sqlc.arg(first_day)::date - 27 + i as day from generate_series(0, sqlc.arg(last_day)::date - sqlc.arg(first_day)::date + 27) i) n
    left join day_version d on d.day = n.day
  ) v
),
asked as materialized (
  select a.day, k.daily, k.weekly, k.monthly
  from unnest(@days::date[]) a (day)
  join version v on v.day = a.day
  left join activity_day k on k.day = a.day and k.version = v.version
)
select
  f.day::date as day,
  f.daily::bigint as daily,
  f.weekly::bigint as weekly,
  f.monthly::bigint as monthly,
  f.kept::boolean as kept
from (
  select a.day, a.daily, a.weekly, a.monthly, true as kept
  from asked a
  where a.daily is not null
  union all
  select o.day, o.daily, o.weekly, o.monthly, false
  from (select array_agg(a.day) as days from asked a where a.daily is null) s
  cross join lateral activity_of(current_tenant(), s.days) o
  where cardinality(s.days) > 1
  union all
  select o.day, o.daily, o.weekly, o.monthly, false
  from (select array_agg(a.day) as days from asked a where a.daily is null) s
  cross join lateral activity_on(current_tenant(), s.days[1]) o
  where cardinality(s.days) = 1
) f
order by f.day;

-- The same in days of any other zone, which are put together from whole days of the tenant's
-- zone, quarter hours of days, and events: how many persons were active on each, by how many
-- days after their last active one; 28 is that or more, or never.
-- name: ActivityGapList :many
select s.day::int as day, s.gap::int as gap, count(*)::bigint as n
from (
  select seen.day, least(seen.day - lag(seen.day) over (partition by seen.person_id order by seen.day), 28) as gap
  from (
    select d.bucket as day, p.person_id
    from unnest(@day_buckets::int[], @days::date[]) as d (bucket, day)
    join presence p on p.day = d.day
    union -- each person once a day
    select m.bucket, p.person_id
    from unnest(@mask_buckets::int[], @mask_days::date[], @masks::text[]) as m (bucket, day, mask)
    join presence p on p.day = m.day and p.slots & m.mask::bit(128) <> 0::bit(128)
    union
    select x.bucket, i.person_id
    from unnest(@raw_buckets::int[], @raw_starts::timestamptz[], @raw_ends::timestamptz[]) as x (bucket, starts, ends)
    join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
      and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
    join identity i on i.identity_id = e.identity_id
  ) seen
) s
group by s.day, s.gap
order by s.day, s.gap;

-- Who was active on days of the tenant's zone, who of them on the day before as well, and who
-- was active then.
-- name: ActivityReturnByDay :many
select
  d.bucket::int as bucket,
  coalesce(t.active_users, (select count(distinct p.person_id) from presence p where p.day = d.day))::bigint as active,
  coalesce(k.returning_users, (
    select count(*)
    from (
      select p.person_id from presence p where p.day = d.day
      intersect
      select p.person_id from presence p where p.day = d.day - 1
    ) r
  ))::bigint as returning,
  coalesce(b.active_users, (select count(distinct p.person_id) from presence p where p.day = d.day - 1))::bigint as before,
  (t.day is not null and k.day is not null and b.day is not null)::boolean as kept
from unnest(@buckets::int[], @days::date[]) as d (bucket, day)
left join (
  select
    n.day,
    coalesce(sum(hashint8extended(v.version, 0)) over (order by n.day rows between 27 preceding and current row), 0) as version
  from (select sqlc.arg(first_day)::date - 27 + i as day from generate_series(0, sqlc.arg(last_day)::date - sqlc.arg(first_day)::date + 27) i) n
  left join day_version v on v.day = n.day
) w on w.day = d.day
left join activity_day k on k.day = d.day and k.version = w.version
left join day_version tv on tv.day = d.day
left join closed_day t on t.day = tv.day and t.version = tv.version
left join day_version bv on bv.day = d.day - 1
left join closed_day b on b.day = bv.day and b.version = bv.version
order by d.bucket;

-- Stretches of time of any shape in a row: who was active in each, and who of them in the one
-- numbered before it as well.
-- name: ActivityReturnByStretch :many
select
  s.stretch::int as stretch,
  count(*)::bigint as active,
  (count(*) filter (where s.stretch - s.before = 1))::bigint as returning
from (
  select seen.stretch, lag(seen.stretch) over (partition by seen.person_id order by seen.stretch) as before
  from (
    select d.stretch, p.person_id
    from unnest(@day_buckets::int[], @days::date[]) as d (stretch, day)
    join presence p on p.day = d.day
    union -- each person once a stretch
    select m.stretch, p.person_id
    from unnest(@mask_buckets::int[], @mask_days::date[], @masks::text[]) as m (stretch, day, mask)
    join presence p on p.day = m.day and p.slots & m.mask::bit(128) <> 0::bit(128)
    union
    select x.stretch, i.person_id
    from unnest(@raw_buckets::int[], @raw_starts::timestamptz[], @raw_ends::timestamptz[]) as x (stretch, starts, ends)
    join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
      and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
    join identity i on i.identity_id = e.identity_id
  ) seen
) s
group by s.stretch
order by s.stretch;

-- Worker: the first closed days of each tenant whose windows are not kept as they are now. Where
-- nobody was there in all 28 days, there is nothing to keep.
-- name: ActivityStaleList :many
select s.tenant_id::uuid as tenant_id, s.day::date as day
from (
  select w.tenant_id, w.day, row_number() over (partition by w.tenant_id order by w.day) as place
  from (
    select
      n.tenant_id, n.day,
      sum(hashint8extended(v.version, 0)) over (partition by n.tenant_id order by n.day rows between 27 preceding and current row) as version
    from (
      select c.tenant_id, f.first_day + i as day
      from closing c
      join (select tenant_id, min(day) as first_day from day_version group by tenant_id) f on f.tenant_id = c.tenant_id
      cross join lateral generate_series(0, c.closed_before - f.first_day - 1) i
    ) n
    left join day_version v on v.tenant_id = n.tenant_id and v.day = n.day
  ) w
  left join activity_day k on k.tenant_id = w.tenant_id and k.day = w.day
  where w.version is not null and k.version is distinct from w.version
) s
where s.place <= @most::bigint
order by s.tenant_id, s.day;

-- Worker: works days out and keeps them, by the versions that the days have in its snapshot.
-- name: ActivityKeep :exec
with version as (
  select
    n.day,
    coalesce(sum(hashint8extended(v.version, 0)) over (order by n.day rows between 27 preceding and current row), 0) as version
  from (select sqlc.arg(first_day)::date - 27 + i as day from generate_series(0, sqlc.arg(last_day)::date - sqlc.arg(first_day)::date + 27) i) n
  left join day_version v on v.tenant_id = @tenant_id and v.day = n.day
)
insert into activity_day as k (tenant_id, day, version, daily, weekly, monthly, returning_users)
select @tenant_id, o.day, v.version, o.daily, o.weekly, o.monthly, o.returning_users
from activity_of(@tenant_id, @days::date[]) o
join version v on v.day = o.day
on conflict (tenant_id, day) do update
set version = excluded.version, daily = excluded.daily, weekly = excluded.weekly,
    monthly = excluded.monthly, returning_users = excluded.returning_users;
