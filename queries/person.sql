-- Finds or makes a person for each distinct id, and moves first_seen_at back where an
-- event turns out to be earlier. A conflict on insert is a race with another batch, and
-- then that batch's person is ours.
-- name: PersonResolve :many
with wanted as (
  select w.anonymous, w.distinct_id, w.seen_at, w.day
  from unnest(@anonymous::boolean[], @distinct_ids::text[], @seen_ats::timestamptz[], @days::date[])
    as w (anonymous, distinct_id, seen_at, day)
),
found as (
  select p.person_id, p.anonymous, p.distinct_id
  from wanted w
  join person p on p.anonymous = w.anonymous and p.distinct_id = w.distinct_id
),
made as (
  insert into person as p (anonymous, distinct_id, first_seen_at, day)
  select w.anonymous, w.distinct_id, w.seen_at, w.day
  from wanted w
  where not exists (
    select from found f where f.anonymous = w.anonymous and f.distinct_id = w.distinct_id
  )
  order by w.anonymous, w.distinct_id
  on conflict (tenant_id, anonymous, distinct_id) do update
  set first_seen_at = least(p.first_seen_at, excluded.first_seen_at),
      day = case when excluded.first_seen_at < p.first_seen_at then excluded.day else p.day end
  returning p.person_id, p.anonymous, p.distinct_id
),
moved as (
  update person p
  set first_seen_at = w.seen_at, day = w.day
  from wanted w
  where p.anonymous = w.anonymous and p.distinct_id = w.distinct_id and w.seen_at < p.first_seen_at
)
select f.person_id, f.anonymous, f.distinct_id from found f
union all
select m.person_id, m.anonymous, m.distinct_id from made m;

-- New users by bucket: exact for any range in any zone. A day of the tenant's zone that is
-- closed and untouched comes from the view.
-- name: PersonNewByBucket :many
select pieces.bucket::int as bucket, sum(pieces.n)::bigint as n
from (
  select
    d.bucket,
    coalesce(m.new_users, (
      select count(*) from person p where p.first_seen_at >= d.starts and p.first_seen_at < d.ends
    )) as n
  from unnest(@day_buckets::int[], @days::date[], @day_starts::timestamptz[], @day_ends::timestamptz[])
    as d (bucket, day, starts, ends)
  left join day_version v on v.day = d.day
  left join closed_day m on m.day = v.day and m.version = v.version
  union all
  select
    s.bucket,
    (select count(*) from person p where p.first_seen_at >= s.starts and p.first_seen_at < s.ends)
  from unnest(@part_buckets::int[], @part_starts::timestamptz[], @part_ends::timestamptz[])
    as s (bucket, starts, ends)
) pieces
group by pieces.bucket
order by pieces.bucket;
