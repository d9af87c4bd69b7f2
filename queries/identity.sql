-- Finds or makes an identity for each id; the epoch stands for one that did nothing yet. One that is made is a person of its own, born when
-- first seen. Only the holder of the tenant's turn makes identities.
-- name: IdentityResolve :many
with wanted as materialized (
  select w.anonymous, w.distinct_id, nullif(w.seen_at, 'epoch') as seen_at, nullif(w.day, 'epoch') as day
  from unnest(@anonymous::boolean[], @distinct_ids::text[], @seen_ats::timestamptz[], @days::date[])
    as w (anonymous, distinct_id, seen_at, day)
),
found as materialized (
  select f.identity_id, f.anonymous, f.distinct_id, f.person_id, f.first_seen_at, f.linked_at, f.linked_by
  from wanted w
  cross join lateral ( -- with a limit it stays one look at the key for each
    select i.identity_id, i.anonymous, i.distinct_id, i.person_id, i.first_seen_at, i.linked_at, i.linked_by
    from identity i
    where i.anonymous = w.anonymous and i.distinct_id = w.distinct_id
    limit 1
  ) f
),
fresh as materialized (
  select nextval('identity_id_seq') as identity_id, w.anonymous, w.distinct_id, w.seen_at, w.day
  from wanted w
  where not exists (
    select from found f where f.anonymous = w.anonymous and f.distinct_id = w.distinct_id
  )
),
made as (
  insert into identity (identity_id, anonymous, distinct_id, person_id, first_seen_at, first_seen_day, born_at, day)
  select f.identity_id, f.anonymous, f.distinct_id, f.identity_id, f.seen_at, f.day, f.seen_at, f.day
  from fresh f
  returning identity_id, anonymous, distinct_id, person_id, first_seen_at
)
select f.identity_id, f.anonymous, f.distinct_id, f.person_id, f.first_seen_at, f.linked_at, f.linked_by, false as made
from found f
union all
select m.identity_id, m.anonymous, m.distinct_id, m.person_id, m.first_seen_at, null, null, true
from made m;

-- Moves the first sight of identities back, where an event turns out to be earlier.
-- name: IdentitySee :exec
update identity i
set first_seen_at = w.seen_at, first_seen_day = w.day
from unnest(@identity_ids::bigint[], @seen_ats::timestamptz[], @days::date[]) as w (identity_id, seen_at, day)
where i.identity_id = any (@identity_ids::bigint[]) -- so that the key is used
  and i.identity_id = w.identity_id
  and (i.first_seen_at is null or i.first_seen_at > w.seen_at);

-- Links anonymous ids to users.
-- name: IdentityLink :exec
update identity i
set linked_to = w.user_id, linked_at = w.linked_at, linked_by = w.linked_by
from unnest(@identity_ids::bigint[], @user_ids::bigint[], @linked_ats::timestamptz[], @linked_bys::uuid[])
  as w (identity_id, user_id, linked_at, linked_by)
where i.identity_id = any (@identity_ids::bigint[]) -- so that the key is used
  and i.identity_id = w.identity_id
  and i.anonymous;

-- Gives identities the person at the root of what they are linked to and merged into now.
-- Returns those that changed hands, with both persons.
-- name: IdentityRegroup :many
with recursive climb as (
  select i.identity_id as leaf, i.identity_id as place, 0 as steps
  from identity i
  where i.identity_id = any (@identity_ids::bigint[])
  union all
  select c.leaf, coalesce(m.into_id, case when not i.detached then i.linked_to end), c.steps + 1
  from climb c
  join identity i on i.identity_id = c.place
  left join person_merge m on m.from_id = i.identity_id and m.undone_at is null
  where coalesce(m.into_id, case when not i.detached then i.linked_to end) is not null
),
root as materialized (
  select distinct on (c.leaf) c.leaf, c.place as person_id
  from climb c
  order by c.leaf, c.steps desc
),
moved as materialized (
  select i.identity_id, i.person_id as was, r.person_id, i.first_seen_day
  from root r
  cross join lateral (
    select o.identity_id, o.person_id, o.first_seen_day
    from identity o
    where o.identity_id = r.leaf
    limit 1
  ) i
  where i.person_id <> r.person_id
),
regrouped as (
  update identity i
  set person_id = m.person_id, born_at = null, day = null
  from moved m
  where i.identity_id = any (@identity_ids::bigint[]) and i.identity_id = m.identity_id
)
select m.identity_id::bigint as identity_id, m.was::bigint as was, m.person_id::bigint as person_id
from moved m
order by m.identity_id;

-- Works out when persons were born: with the earliest sight of any of their identities. Only
-- the root tells it, so that a person counts as new once.
-- name: IdentityBirths :exec
update identity i
set born_at = b.first_seen_at, day = b.first_seen_day
from unnest(@person_ids::bigint[]) as w (person_id)
left join lateral (
  select o.first_seen_at, o.first_seen_day
  from identity o
  where o.person_id = w.person_id and o.first_seen_at is not null
  order by o.first_seen_at, o.identity_id
  limit 1
) b on true
where i.identity_id = any (@person_ids::bigint[]) -- so that the key is used
  and i.identity_id = w.person_id
  and i.person_id = i.identity_id
  and (i.born_at, i.day) is distinct from (b.first_seen_at, b.first_seen_day);

-- Which of these are the ids of users that are known.
-- name: IdentityKnownUsers :many
select distinct_id
from identity
where not anonymous and distinct_id = any (@user_ids::text[])
order by distinct_id;

-- New users by bucket: exact for any range in any zone. A day of the tenant's zone that is
-- closed and untouched comes from the view.
-- name: IdentityNewByBucket :many
select
  s.bucket::int as bucket,
  sum((select count(*) from identity i where i.born_at >= s.starts and i.born_at < s.ends))::bigint as n
from unnest(@buckets::int[], @starts::timestamptz[], @ends::timestamptz[]) as s (bucket, starts, ends)
group by s.bucket
order by s.bucket;
