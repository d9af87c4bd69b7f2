-- Who was active in a cell, in the order of their numbers, and how many they are. There is
-- always a row: one without a person tells of a page behind the last.
-- name: PresenceList :many
with seen as materialized (
  select p.person_id
  from unnest(@days::date[]) as d (day)
  join presence p on p.day = d.day
  union
  select p.person_id
  from unnest(@mask_days::date[], @masks::text[]) as m (day, mask)
  join presence p on p.day = m.day and p.slots & m.mask::bit(128) <> 0::bit(128)
  union
  select i.person_id
  from unnest(@raw_starts::timestamptz[], @raw_ends::timestamptz[]) as x (starts, ends)
  join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
    and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
  join identity i on i.identity_id = e.identity_id
)
select t.total::bigint as total, coalesce(p.person_id, 0)::bigint as person_id
from (select count(*) as total from seen) t
left join lateral (
  select s.person_id
  from seen s
  where s.person_id > @after::bigint
  order by s.person_id
  limit @most
) p on true
order by p.person_id;

-- Who is new in a stretch of time.
-- name: IdentityNewList :many
with born as materialized (
  select i.identity_id as person_id
  from identity i
  where i.born_at >= @range_from::timestamptz and i.born_at < @range_to::timestamptz
)
select t.total::bigint as total, coalesce(p.person_id, 0)::bigint as person_id
from (select count(*) as total from born) t
left join lateral (
  select b.person_id
  from born b
  where b.person_id > @after::bigint
  order by b.person_id
  limit @most
) p on true
order by p.person_id;
