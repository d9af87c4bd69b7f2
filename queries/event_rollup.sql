-- name: EventRollupUpsert :exec
insert into event_rollup as r (at, type, day, count)
select u.at, u.type, u.day, u.count
from unnest(@ats::timestamptz[], @types::text[], @days::date[], @counts::bigint[]) as u (at, type, day, count)
order by u.at, u.type
on conflict (tenant_id, at, type) do update
set count = r.count + excluded.count;

-- Events by bucket. Days of the tenant's zone that are closed and untouched come from the
-- view, other days and parts of days from the quarter hours, and what cuts a quarter hour
-- from the events.
-- name: EventCountByBucket :many
select
  pieces.bucket::int as bucket,
  sum(pieces.n)::bigint as n,
  count(*) filter (where pieces.closed) as closed
from (
  select
    d.bucket,
    coalesce(m.events, (
      select sum(r.count) from event_rollup r where r.at >= d.starts and r.at < d.ends
    )) as n,
    m.day is not null as closed
  from unnest(@day_buckets::int[], @days::date[], @day_starts::timestamptz[], @day_ends::timestamptz[])
    as d (bucket, day, starts, ends)
  left join lateral ( -- with a limit it stays one look at the key for each day
    select t.version from day_version t where t.day = d.day limit 1
  ) v on true
  left join lateral (
    select c.day, c.events from closed_day c where c.day = d.day and c.version = v.version limit 1
  ) m on true
  union all
  select
    s.bucket,
    (select sum(r.count) from event_rollup r where r.at >= s.starts and r.at < s.ends),
    false
  from unnest(@slot_buckets::int[], @slot_starts::timestamptz[], @slot_ends::timestamptz[])
    as s (bucket, starts, ends)
  union all
  select
    x.bucket,
    (select count(*) from event e where e.occurred_at >= x.starts and e.occurred_at < x.ends),
    false
  from unnest(@raw_buckets::int[], @raw_starts::timestamptz[], @raw_ends::timestamptz[])
    as x (bucket, starts, ends)
) pieces
where pieces.n is not null
group by pieces.bucket
order by pieces.bucket;

-- The same, of some types only.
-- name: EventCountByBucketOfTypes :many
select
  pieces.bucket::int as bucket,
  sum(pieces.n)::bigint as n,
  count(*) filter (where pieces.closed) as closed
from (
  select
    d.bucket,
    exists (select from closed_day_type m where m.day = d.day and m.version = v.version) as closed,
    case
      when exists (select from closed_day_type m where m.day = d.day and m.version = v.version) then (
        select sum(m.events)
        from closed_day_type m
        where m.day = d.day and m.type = any (@types::text[])
      )
      else (
        select sum(r.count)
        from event_rollup r
        where r.at >= d.starts and r.at < d.ends and r.type = any (@types::text[])
      )
    end as n
  from unnest(@day_buckets::int[], @days::date[], @day_starts::timestamptz[], @day_ends::timestamptz[])
    as d (bucket, day, starts, ends)
  left join lateral ( -- with a limit it stays one look at the key for each day
    select t.version from day_version t where t.day = d.day limit 1
  ) v on true
  union all
  select
    s.bucket,
    false,
    (
      select sum(r.count)
      from event_rollup r
      where r.at >= s.starts and r.at < s.ends and r.type = any (@types::text[])
    )
  from unnest(@slot_buckets::int[], @slot_starts::timestamptz[], @slot_ends::timestamptz[])
    as s (bucket, starts, ends)
  union all
  select
    x.bucket,
    false,
    (
      select count(*)
      from event e
      where e.occurred_at >= x.starts and e.occurred_at < x.ends and e.type = any (@types::text[])
    )
  from unnest(@raw_buckets::int[], @raw_starts::timestamptz[], @raw_ends::timestamptz[])
    as x (bucket, starts, ends)
) pieces
where pieces.n is not null
group by pieces.bucket
order by pieces.bucket;

-- The types of a range, the most frequent first, and how many types there are in all.
-- name: EventTypeCountList :many
select
  pieces.type::text as type,
  sum(pieces.n)::bigint as n,
  (count(*) over ())::bigint as distinct_types
from (
  select c.type, c.n
  from unnest(@days::date[], @day_starts::timestamptz[], @day_ends::timestamptz[]) as d (day, starts, ends)
  left join lateral ( -- with a limit it stays one look at the key for each day
    select t.version from day_version t where t.day = d.day limit 1
  ) v on true
  cross join lateral (
    select m.type, m.events as n
    from closed_day_type m
    where m.day = d.day and m.version = v.version and m.type <> ''
    union all
    select r.type, r.count
    from event_rollup r
    where r.at >= d.starts and r.at < d.ends
      and not exists (select from closed_day_type m where m.day = d.day and m.version = v.version)
  ) c
  union all
  select r.type, r.count
  from unnest(@slot_starts::timestamptz[], @slot_ends::timestamptz[]) as s (starts, ends)
  join event_rollup r on r.at >= s.starts and r.at < s.ends
  union all
  select e.type, 1
  from unnest(@raw_starts::timestamptz[], @raw_ends::timestamptz[]) as x (starts, ends)
  join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
) pieces
where @types::text[] is null or pieces.type = any (@types::text[])
group by pieces.type
having sum(pieces.n) > 0
order by sum(pieces.n) desc, pieces.type
limit @most;

-- Events by bucket and type, of some types or all, in the manner of EventCountByBucket. The
-- row of no type, which no event is of, tells how many days of a bucket came from the view.
-- name: EventCountByBucketAndType :many
with day as materialized (
  select
    d.bucket, d.day, d.starts, d.ends,
    exists (select from closed_day_type m where m.day = v.day and m.version = v.version) as closed
  from unnest(@day_buckets::int[], @days::date[], @day_starts::timestamptz[], @day_ends::timestamptz[])
    as d (bucket, day, starts, ends)
  left join day_version v on v.day = d.day
)
select
  pieces.bucket::int as bucket,
  pieces.type::text as type,
  sum(pieces.n)::bigint as n,
  count(*) filter (where pieces.type = '') as closed
from (
  select d.bucket, '' as type, 0::bigint as n
  from day d
  where d.closed
  union all
  select d.bucket, m.type, m.events
  from day d
  join closed_day_type m on m.day = d.day and m.type <> ''
  where d.closed
  union all
  select d.bucket, r.type, r.count
  from day d
  join event_rollup r on r.at >= d.starts and r.at < d.ends
  where not d.closed
  union all
  select s.bucket, r.type, r.count
  from unnest(@slot_buckets::int[], @slot_starts::timestamptz[], @slot_ends::timestamptz[]) as s (bucket, starts, ends)
  join event_rollup r on r.at >= s.starts and r.at < s.ends
  union all
  select x.bucket, e.type, 1
  from unnest(@raw_buckets::int[], @raw_starts::timestamptz[], @raw_ends::timestamptz[]) as x (bucket, starts, ends)
  join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
) pieces
where pieces.type = ''
  or (@types::text[] is null or pieces.type = any (@types::text[]))
    and (sqlc.narg(of_all)::text is null or jsonb_build_object('TYPE', pieces.type) @@ (select sqlc.narg(of_all)::text::jsonpath))
group by pieces.bucket, pieces.type
order by pieces.bucket, pieces.type;
