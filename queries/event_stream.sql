-- Up to where all events of the tenant are there, and which days have changed since a version.
-- Not within a snapshot: see event_mark.
-- name: EventMark :one
select
  m.head::bigint as head,
  m.version::bigint as version,
  coalesce(m.first_day, 'epoch')::date as first_day,
  coalesce(m.last_day, 'epoch')::date as last_day,
  (m.first_day is not null)::boolean as changed
from event_mark(@since::bigint) m;

-- An even sample of what was stored between two marks, in order: at most so many, with the place
-- of each among all that meet the conditions, and how many these are.
-- name: EventSample :many
select
  s.event_id::bigint as event_id,
  s.occurred_at::timestamptz as occurred_at,
  s.place::bigint as place,
  s.total::bigint as total
from event_sample(
  @after_id::bigint, @upto_id::bigint, @starts::timestamptz, @ends::timestamptz,
  @types::text[], @user_ids::text[], @group_type::text, @group_ids::text[], @most::bigint
) s
order by s.place;
