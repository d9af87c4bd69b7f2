-- name: EventRollupUpsert :exec
insert into event_rollup as r (at, type, day, count)
select u.at, u.type, u.day, u.count
from unnest(@ats::timestamptz[], @types::text[], @days::date[], @counts::bigint[]) as u (at, type, day, count)
order by u.at, u.type
on conflict (tenant_id, at, type) do update
set count = r.count + excluded.count;

-- What is materialized of the days that are closed and untouched. Written so that it is two
-- looks at ranges of keys, whatever the planner thinks of how many days there are: "is true"
-- keeps it from making a join of them.
-- name: ClosedDayList :many
select c.day::date as day, c.events::bigint as events, c.active_users::bigint as active_users, c.new_users::bigint as new_users
from closed_day c
where c.day between @first_day::date and @last_day::date
  and ((c.day, c.version) in (
    select v.day, v.version from day_version v where v.day between @first_day and @last_day
  )) is true;

-- Events of stretches of time, afresh, from the quarter hours.
-- name: EventCountByBucket :many
select
  s.bucket::int as bucket,
  coalesce((select sum(r.count) from event_rollup r where r.at >= s.starts and r.at < s.ends), 0)::bigint as n
from unnest((select @buckets::int[]), (select @starts::timestamptz[]), (select @ends::timestamptz[])) as s (bucket, starts, ends);

-- Events by bucket where a range cuts a quarter hour, from the events, of some types or all.
-- This is a statement of its own since it opens every month of events, whatever it finds there.
-- name: EventCutByBucket :many
select x.bucket::int as bucket, count(*)::bigint as n
from unnest(@buckets::int[], @starts::timestamptz[], @ends::timestamptz[]) as x (bucket, starts, ends)
join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
  and (@types::text[] is null or e.type = any (@types::text[]))
group by x.bucket
order by x.bucket;

-- Events of some types by bucket. Days of the tenant's zone that are closed and untouched come
-- from the view, other days and parts of days from the quarter hours.
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
) pieces
where pieces.n is not null
group by pieces.bucket
order by pieces.bucket;

-- The types of a range, the most frequent first, and how many types there are in all. Days from
-- the first to the last, with none between that is not asked for, are looked up in the manner
-- of ClosedDayList.
-- name: EventTypeCountList :many
with kept as materialized (
  select m.day, m.type, m.events
  from closed_day_type m
  where m.day between @first_day::date and @last_day::date
    and ((m.day, m.version) in (
      select v.day, v.version from day_version v where v.day between @first_day and @last_day
    )) is true
)
select
  pieces.type::text as type,
  sum(pieces.n)::bigint as n,
  (count(*) over ())::bigint as distinct_types
from (
  select k.type, k.events as n
  from kept k
  where k.type <> '' -- of a closed day without events
  union all
  select r.type, r.count
  from unnest(@days::date[], @day_starts::timestamptz[], @day_ends::timestamptz[]) as d (day, starts, ends)
  cross join lateral (
    select r.type, r.count from event_rollup r where r.at >= d.starts and r.at < d.ends offset 0
  ) r
  where (d.day in (select k.day from kept k)) is not true
  union all
  select r.type, r.count
  from unnest(@slot_starts::timestamptz[], @slot_ends::timestamptz[]) as s (starts, ends)
  join event_rollup r on r.at >= s.starts and r.at < s.ends
) pieces
where @types::text[] is null or pieces.type = any (@types::text[])
group by pieces.type
having sum(pieces.n) > 0
order by sum(pieces.n) desc, pieces.type collate "C"
limit sqlc.narg(most)::bigint; -- null: all

-- Events by bucket and type, of some types or all; other types are put together as '', which no
-- event is of. Closed days come from the view, by two looks at ranges of keys as in ClosedDayList:
-- the bucket of each day from the first to the last stands in a list, which is -1 for days that
-- are not asked for. Which days those were is told in each row, 63 days at a time, a bit for each.
-- Stretches of time are counted afresh, from the quarter hours.
-- name: EventCountByBucketAndType :many
select
  pieces.bucket::int as bucket,
  (case
    when (@types::text[] is null or pieces.type = any (@types::text[]))
      and (sqlc.narg(of_all)::text is null or jsonb_build_object('TYPE', pieces.type) @@ (select sqlc.narg(of_all)::text::jsonpath))
      then pieces.type
    else ''
  end)::text as type,
  sum(pieces.n)::bigint as n,
  pieces.span::int as span,
  coalesce(bit_or(pieces.day), 0)::bigint as days
from (
  select
    (sqlc.arg(buckets_of_days)::int[])[m.day - sqlc.arg(first_day)::date + 1] as bucket,
    m.type,
    m.events as n,
    (m.day - sqlc.arg(first_day)) / 63 as span,
    1::bigint << ((m.day - sqlc.arg(first_day)) % 63) as day
  from closed_day_type m
  where m.day between sqlc.arg(first_day) and sqlc.arg(last_day)::date
    and ((m.day, m.version) in (
      select v.day, v.version from day_version v where v.day between sqlc.arg(first_day) and sqlc.arg(last_day)
    )) is true
  union all
  select s.bucket, r.type, r.count, 0, null
  from unnest(@slot_buckets::int[], @slot_starts::timestamptz[], @slot_ends::timestamptz[]) as s (bucket, starts, ends)
  cross join lateral (
    select r.type, r.count from event_rollup r where r.at >= s.starts and r.at < s.ends offset 0
  ) r
) pieces
where pieces.bucket >= 0
group by 1, 2, pieces.span
order by 1, 2;

-- Events by bucket and type where a range cuts a quarter hour, from the events.
-- name: EventCutByBucketAndType :many
select x.bucket::int as bucket, e.type, count(*)::bigint as n
from unnest(@buckets::int[], @starts::timestamptz[], @ends::timestamptz[]) as x (bucket, starts, ends)
join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
where (@types::text[] is null or e.type = any (@types::text[]))
  and (sqlc.narg(of_all)::text is null or jsonb_build_object('TYPE', e.type) @@ (select sqlc.narg(of_all)::text::jsonpath))
group by x.bucket, e.type
order by x.bucket, e.type;
