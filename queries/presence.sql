-- name: PresenceUpsert :exec
with turn as materialized (
  select current_tenant() as tenant_id
)
insert into presence as p (tenant_id, day, identity_id, person_id, slots)
select t.tenant_id, u.day, u.identity_id, u.person_id, u.slots::bit(128)
from unnest(@days::date[], @identity_ids::bigint[], @person_ids::bigint[], @slots::text[])
  as u (day, identity_id, person_id, slots)
cross join turn t
order by u.day, u.identity_id
on conflict (tenant_id, day, identity_id) do update
set slots = p.slots | excluded.slots
where p.slots | excluded.slots <> p.slots;

-- Gives the presence of identities another person. Day by day and by the key: the days of one
-- identity are few, and those of all are not; so it runs after PlanByKeys.
-- name: PresenceHandOver :exec
update presence p
set person_id = w.person_id
from unnest(@identity_ids::bigint[], @person_ids::bigint[]) as w (identity_id, person_id)
join identity i on i.identity_id = w.identity_id
cross join lateral generate_series(i.first_seen_day, (now() + interval '3 days')::date, interval '1 day') as d (day)
where p.day = d.day::date and p.identity_id = w.identity_id;

-- What follows in the transaction looks rows up one by one, whatever the planner thinks of
-- how many there are.
-- name: PlanByKeys :exec
select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);

-- name: PlanFreely :exec
select set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true);

-- Distinct users of buckets of whole days of the tenant's zone, and of quarter hours of others: a
-- mask over the day's slots.
-- name: PresenceDistinctByBucket :many
select seen.bucket::int as bucket, count(distinct seen.person_id)::bigint as n
from (
  select d.bucket, p.person_id
  from unnest(@day_buckets::int[], @days::date[]) as d (bucket, day)
  join presence p on p.day = d.day
  union all
  select m.bucket, p.person_id
  from unnest(@mask_buckets::int[], @mask_days::date[], @masks::text[]) as m (bucket, day, mask)
  join presence p on p.day = m.day and p.slots & m.mask::bit(128) <> 0::bit(128)
) seen
group by seen.bucket
order by seen.bucket;

-- The same where a range cuts quarter hours as well: those come from the events. This is a
-- statement of its own since it opens every month of events, whatever it finds there.
-- name: PresenceDistinctByCutBucket :many
select seen.bucket::int as bucket, count(distinct seen.person_id)::bigint as n
from (
  select d.bucket, p.person_id
  from unnest(@day_buckets::int[], @days::date[]) as d (bucket, day)
  join presence p on p.day = d.day
  union all
  select m.bucket, p.person_id
  from unnest(@mask_buckets::int[], @mask_days::date[], @masks::text[]) as m (bucket, day, mask)
  join presence p on p.day = m.day and p.slots & m.mask::bit(128) <> 0::bit(128)
  union all
  select x.bucket, i.person_id
  from unnest(@raw_buckets::int[], @raw_starts::timestamptz[], @raw_ends::timestamptz[]) as x (bucket, starts, ends)
  join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
    and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
  join identity i on i.identity_id = e.identity_id
) seen
group by seen.bucket
order by seen.bucket;
