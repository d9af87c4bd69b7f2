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
