-- Adds what a batch had of each type. Types beyond the bound are left out of the answer: the
-- batch's first ones find room first.
-- name: EventTypeObserve :many
with seen as (
  select
    u.name, u.first_seen_at, u.last_seen_at, u.volume,
    k.name is not null as known,
    row_number() over (partition by k.name is null order by u.ordinality) as place
  from unnest(@names::text[], @first_seen_ats::timestamptz[], @last_seen_ats::timestamptz[], @volumes::bigint[])
    with ordinality as u (name, first_seen_at, last_seen_at, volume, ordinality)
  left join event_type k on k.name = u.name
)
insert into event_type as t (name, first_seen_at, last_seen_at, volume)
select s.name, s.first_seen_at, s.last_seen_at, s.volume
from seen s
where s.known or s.place + (select count(*) from event_type) <= @most::bigint
order by s.name
on conflict (tenant_id, name) do update
set first_seen_at = least(t.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(t.last_seen_at, excluded.last_seen_at),
    volume = t.volume + excluded.volume
returning t.name, t.volume;

-- name: EventTypeGrow :exec
update event_type t
set properties = t.properties + u.properties,
    unrecorded_properties = t.unrecorded_properties + u.unrecorded
from unnest(@names::text[], @properties::int[], @unrecorded::bigint[]) as u (name, properties, unrecorded)
where t.name = u.name;

-- By name; the cursor is the last row's.
-- name: EventTypePage :many
select name, first_seen_at, last_seen_at, volume, properties, unrecorded_properties
from event_type
where name > @after::text
order by name
limit @most;

-- name: EventTypeCount :one
select count(*) from event_type;

-- Several at once, for a dataloader.
-- name: EventTypeListByNames :many
select name, first_seen_at, last_seen_at, volume, properties, unrecorded_properties
from event_type
where name = any (@names::text[])
order by name;
