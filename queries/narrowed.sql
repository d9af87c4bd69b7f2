-- For callers who see some rows alone: figures from the events that they see, as rollups
-- and presence know nothing of conditions. Buckets follow each other; each is named by its
-- place, and the first begins with the range. One walk over the range fills all of them.
-- name: NarrowedEventCountByBucket :many
select
  (width_bucket(e.occurred_at, @starts::timestamptz[]) - 1)::int as bucket,
  count(*)::bigint as n,
  0::bigint as closed
from event e
where e.occurred_at >= @range_from::timestamptz
  and e.occurred_at < @range_to::timestamptz
  and (@types::text[] is null or e.type = any (@types::text[]))
group by 1
order by 1;

-- Who was active counts once a bucket, whether the caller may see them or not.
-- name: NarrowedActiveUsersByBucket :many
select
  (width_bucket(e.occurred_at, @starts::timestamptz[]) - 1)::int as bucket,
  count(distinct i.person_id)::bigint as n,
  0::bigint as closed
from event e
join narrowed.identity_person i on i.identity_id = e.identity_id
where e.occurred_at >= @range_from::timestamptz
  and e.occurred_at < @range_to::timestamptz
  and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
group by 1
order by 1;

-- New is who did the first of all events that the caller sees, so all until the end of the
-- range are looked at.
-- name: NarrowedNewUsersByBucket :many
select
  (width_bucket(f.first_at, @starts::timestamptz[]) - 1)::int as bucket,
  count(*)::bigint as n,
  0::bigint as closed
from (
  select i.person_id, min(e.occurred_at) as first_at
  from event e
  join narrowed.identity_person i on i.identity_id = e.identity_id
  where e.occurred_at < @range_to::timestamptz
    and e.type not in ('$identify', '$group', '$alias')
  group by i.person_id
) f
where f.first_at >= @range_from::timestamptz
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
