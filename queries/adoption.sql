-- Distinct users by bucket, and by type where they are split, of events of some types or all,
-- but of none of those left out.
-- name: AdoptionCount :many
select
  b.bucket::int as bucket,
  (case when @split::boolean then e.type else '' end)::text as type,
  count(distinct i.person_id)::bigint as n
from unnest(@buckets::int[], @starts::timestamptz[], @ends::timestamptz[]) as b (bucket, starts, ends)
join event e on e.occurred_at >= b.starts and e.occurred_at < b.ends
  and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
  and (sqlc.narg(types)::text[] is null or e.type = any (sqlc.narg(types)::text[]))
  and e.type <> all (@left_out::text[])
join identity i on i.identity_id = e.identity_id
group by 1, 2
order by 1, 2;

-- The types of activity in a range.
-- name: AdoptionTypes :many
select distinct r.type
from event_rollup r
where r.at >= @range_from::timestamptz
  and r.at < @range_to::timestamptz
  and r.type not in ('$identify', '$group', '$alias')
order by r.type;
