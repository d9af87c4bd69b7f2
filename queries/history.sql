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

-- How many events there are of what somebody did, as far as they are not in the archive alone.
-- name: HistorySize :one
select coalesce(sum(r.count), 0)::bigint as events
from event_rollup r
where r.at >= @raw_since::timestamptz
  and r.type not in ('$identify', '$group', '$alias'); -- as in event.IsActivity

-- Which days have changed tells where to look for what arrived.
-- name: HistoryDays :many
select day, version
from day_version
order by day;

-- name: HistorySince :many
select
  s.event_id::bigint as event_id,
  s.occurred_at::timestamptz as occurred_at,
  s.type::text as type,
  coalesce(s.identity_id, 0)::bigint as identity_id,
  coalesce(s.person_id, 0)::bigint as person_id,
  coalesce(s.account_id, 0)::bigint as account_id
from activity_since(@last_id::bigint, @starts::timestamptz, @ends::timestamptz) s
order by s.event_id;

-- Which identities have changed hands since an instant, and whose they are now.
-- name: HistoryMoves :many
select distinct p.identity_id, coalesce(i.person_id, 0)::bigint as person_id
from identity_past p
left join identity i on i.identity_id = p.identity_id
where p.until >= @since
order by p.identity_id;

-- What events are told by, of a kind of their own columns or documents: by their keys.
-- name: HistoryValuesByKeys :many
select
  e.event_id,
  coalesce(case sqlc.arg(kind)::text
    when 'SOURCE' then to_jsonb(e.source)
    else jsonb_path_query_first(
      case sqlc.arg(kind) when 'PROPERTY' then e.properties when 'CONTEXT' then e.context end,
      sqlc.arg(path)::text::jsonpath, '{}', true)
  end, 'null')::text as value
from unnest(sqlc.arg(ats)::timestamptz[], sqlc.arg(ids)::bigint[]) as k (at, id)
cross join lateral (
  select o.event_id, o.source, o.properties, o.context
  from event o
  where o.occurred_at = k.at and o.event_id = k.id
  limit 1
) e;

-- The same of all of some types in a range.
-- name: HistoryValuesInRange :many
select
  e.event_id,
  coalesce(case sqlc.arg(kind)::text
    when 'SOURCE' then to_jsonb(e.source)
    else jsonb_path_query_first(
      case sqlc.arg(kind) when 'PROPERTY' then e.properties when 'CONTEXT' then e.context end,
      (select sqlc.arg(path)::text::jsonpath), '{}', true)
  end, 'null')::text as value
from event e
where e.occurred_at >= sqlc.arg(range_from)
  and e.occurred_at < sqlc.arg(range_to)
  and e.type = any (sqlc.arg(types)::text[]);

-- A trait of everybody: what was said last under any of their ids, else what was said once,
-- first, as in identity.Merged.
-- name: HistoryPersonTrait :many
select
  s.person_id,
  coalesce(jsonb_path_query_first(jsonb_build_object(sqlc.arg(name)::text, s.value), sqlc.arg(path)::text::jsonpath, '{}', true), 'null')::text as value
from (
  select distinct on (i.person_id) i.person_id, said.value
  from profile p
  join identity i on i.identity_id = p.subject_id
  cross join lateral (
    select p.traits -> sqlc.arg(name)::text as value, false as once, (p.said_at ->> sqlc.arg(name)::text)::bigint as at
    where p.traits ? sqlc.arg(name)::text
    union all
    select p.once -> sqlc.arg(name)::text, true, -(p.once_at ->> sqlc.arg(name)::text)::bigint
    where p.once ? sqlc.arg(name)::text
  ) said
  where p.subject = 'person'
  order by i.person_id, said.once, said.at desc,
    case when said.once then said.value::text end collate "C",
    said.value::text collate "C" desc
) s
order by s.person_id;

-- A trait of every account.
-- name: HistoryAccountTrait :many
select
  p.subject_id as account_id,
  coalesce(jsonb_path_query_first(p.once || p.traits, sqlc.arg(path)::text::jsonpath, '{}', true), 'null')::text as value
from profile p
where p.subject = 'account'
order by p.subject_id;

-- What accounts are called.
-- name: HistoryAccountNames :many
select a.account_id, to_jsonb(account_name(a.group_type, a.group_id))::text as value
from account a
order by a.account_id;

-- Which of some values a condition holds for: the values are in JSON, the condition is a
-- predicate of SQL/JSON path.
-- name: HistoryHolds :many
select v.n::int as n
from unnest(sqlc.arg(values)::text[]) with ordinality as v (value, n)
where jsonb_path_match(v.value::jsonb, (select sqlc.arg(predicate)::text::jsonpath), '{}', true)
order by v.n;
