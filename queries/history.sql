-- What tells whether histories in memory are as they should be: the revision of what is counted
-- by days, until when events are in the archive alone, and how many people were forgotten.
-- name: HistoryHead :one
select
  now()::timestamptz as at,
  coalesce((select r.revision from data_revision r where r.subject = 'day'), 0)::bigint as day_revision,
  coalesce((
    select (max(p.month) + interval '1 month') at time zone 'UTC'
    from archive_part p
    where p.state = 'dropped'
  ), 'epoch')::timestamptz as raw_since,
  (select count(*) from erasure e where e.forgotten_at is not null)::bigint as forgotten;

-- Which days have changed tells where to look for what arrived.
-- name: HistoryDays :many
select day, version
from day_version
order by day;

-- name: HistorySince :many
select
  s.event_id::bigint as event_id,
  s.occurred_at::timestamptz as occurred_at,
  s.received_at::timestamptz as received_at,
  s.type::text as type,
  coalesce(s.identity_id, 0)::bigint as identity_id,
  coalesce(s.person_id, 0)::bigint as person_id,
  coalesce(s.account_id, 0)::bigint as account_id
from activity_since(@arrived::timestamptz, @last_id::bigint, @starts::timestamptz, @ends::timestamptz) s
order by s.event_id;

-- Which identities have changed hands since an instant, and whose they are now.
-- name: HistoryMoves :many
select distinct p.identity_id, coalesce(i.person_id, 0)::bigint as person_id
from identity_past p
left join identity i on i.identity_id = p.identity_id
where p.until >= @since
order by p.identity_id;
