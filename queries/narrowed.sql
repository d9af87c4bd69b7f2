-- For callers who see some rows alone: figures from the events that they see, as rollups
-- and presence know nothing of conditions. Buckets follow each other; each is named by its
-- place, and the first begins with the range. One walk over the range fills all of them.
-- name: NarrowedEventCountByBucket :many
select
  (width_bucket(e.occurred_at, @starts::timestamptz[]) - 1)::int as bucket,
  count(*)::bigint as n
from event e
where e.occurred_at >= @range_from::timestamptz
  and e.occurred_at < @range_to::timestamptz
  and (@types::text[] is null or e.type = any (@types::text[]))
group by 1
order by 1;

-- name: NarrowedTypeCountList :many
select
  e.type,
  count(*)::bigint as n,
  (count(*) over ())::bigint as distinct_types
from event e
where e.occurred_at >= @range_from::timestamptz
  and e.occurred_at < @range_to::timestamptz
  and (@types::text[] is null or e.type = any (@types::text[]))
group by e.type
order by count(*) desc, e.type
limit @most;

-- Who was active on each day, by how many days after their last active one: as ActivityGapList.
-- name: NarrowedGapList :many
select s.day::int as day, s.gap::int as gap, count(*)::bigint as n
from (
  select seen.day, least(seen.day - lag(seen.day) over (partition by seen.person_id order by seen.day), 28) as gap
  from (
    select distinct width_bucket(e.occurred_at, @starts::timestamptz[]) - 1 as day, i.person_id
    from event e
    join narrowed.identity_person i on i.identity_id = e.identity_id
    where e.occurred_at >= @range_from::timestamptz
      and e.occurred_at < @range_to::timestamptz
      and e.type not in ('$identify', '$group', '$alias')
  ) seen
) s
group by s.day, s.gap
order by s.day, s.gap;

-- As ActivityReturnByStretch.
-- name: NarrowedReturnByStretch :many
select
  s.stretch::int as stretch,
  count(*)::bigint as active,
  (count(*) filter (where s.stretch - s.before = 1))::bigint as returning
from (
  select seen.stretch, lag(seen.stretch) over (partition by seen.person_id order by seen.stretch) as before
  from (
    select distinct x.stretch, i.person_id
    from unnest(@stretches::int[], @starts::timestamptz[], @ends::timestamptz[]) as x (stretch, starts, ends)
    join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
      and e.type not in ('$identify', '$group', '$alias')
    join narrowed.identity_person i on i.identity_id = e.identity_id
  ) seen
) s
group by s.stretch
order by s.stretch;

-- Visits of what is seen, by the bucket in which they start: buckets as above.
-- name: NarrowedVisitCountByBucket :many
select
  (width_bucket(s.occurred_at, @starts::timestamptz[]) - 1)::int as bucket,
  count(*)::bigint as n
from (
  select e.occurred_at, lag(e.occurred_at) over (partition by i.person_id order by e.occurred_at) as before
  from event e
  join narrowed.identity_person i on i.identity_id = e.identity_id
  where e.occurred_at >= @looked_at_from::timestamptz -- 30 minutes before
    and e.occurred_at < @range_to::timestamptz
    and e.type not in ('$identify', '$group', '$alias')
) s
where s.occurred_at >= @range_from::timestamptz
  and (s.before is null or s.occurred_at - s.before >= interval '30 minutes')
group by 1
order by 1;
