-- Whom a figure is made of that is measured of single events, group by group, in the order of
-- their numbers, and how many they are. The single bucket is the range of the cell. A group of
-- which the page has nobody has one row all the same, for its total.
-- name: MeasureUsersList :many
with wanted as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@only_keys::jsonb) o
),
spared as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@but_keys::jsonb) o
),
seen as materialized (
  select distinct case when @but_keys::jsonb is null then m.keys else '{}' end as keys, m.person_id
  from measured_event(
    @range_from::timestamptz, @range_to::timestamptz, @edges::timestamptz[], @places::int[],
    @types::text[], @activity::boolean, sqlc.narg(as_of)::timestamptz,
    sqlc.narg(of_properties)::text, sqlc.narg(of_all)::text, @parts::text[],
    @kinds::text[], @paths::text[], sqlc.narg(number_path)::text,
    @people::boolean, @traits::text[], @accounts::boolean, @cohorts::bigint[]) m
  where m.bucket is not null
    and m.person_id is not null
    and (@only_keys::jsonb is null or m.keys in (select w.keys from wanted w))
    and (@but_keys::jsonb is null or m.keys not in (select s.keys from spared s))
)
select to_jsonb(t.keys) as keys, t.total::bigint as total, coalesce(p.id, 0)::bigint as id
from (select s.keys, count(*) as total from seen s group by s.keys) t
left join lateral (
  select s.person_id as id
  from seen s
  where s.keys = t.keys and s.person_id > @after::bigint
  order by s.person_id
  limit @most
) p on true
order by t.keys, p.id;

-- Those whose first event lies in the cell.
-- name: MeasureNewUsersList :many
with wanted as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@only_keys::jsonb) o
),
spared as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@but_keys::jsonb) o
),
first as (
  select distinct on (m.person_id) m.person_id, m.bucket, m.keys
  from measured_event(
    @range_from::timestamptz, @range_to::timestamptz, @edges::timestamptz[], @places::int[],
    @types::text[], @activity::boolean, sqlc.narg(as_of)::timestamptz,
    sqlc.narg(of_properties)::text, sqlc.narg(of_all)::text, @parts::text[],
    @kinds::text[], @paths::text[], sqlc.narg(number_path)::text,
    @people::boolean, @traits::text[], @accounts::boolean, @cohorts::bigint[]) m
  where m.person_id is not null
  order by m.person_id, m.occurred_at, m.event_id
),
seen as materialized (
  select case when @but_keys::jsonb is null then f.keys else '{}' end as keys, f.person_id
  from first f
  where f.bucket is not null
    and (@only_keys::jsonb is null or f.keys in (select w.keys from wanted w))
    and (@but_keys::jsonb is null or f.keys not in (select s.keys from spared s))
)
select to_jsonb(t.keys) as keys, t.total::bigint as total, coalesce(p.id, 0)::bigint as id
from (select s.keys, count(*) as total from seen s group by s.keys) t
left join lateral (
  select s.person_id as id
  from seen s
  where s.keys = t.keys and s.person_id > @after::bigint
  order by s.person_id
  limit @most
) p on true
order by t.keys, p.id;

-- The accounts. One of which nothing may be seen counts, and is not listed.
-- name: MeasureAccountsList :many
with wanted as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@only_keys::jsonb) o
),
spared as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@but_keys::jsonb) o
),
named as (
  select distinct case when @but_keys::jsonb is null then m.keys else '{}' end as keys, m.group_type, m.group_id
  from measured_event(
    @range_from::timestamptz, @range_to::timestamptz, @edges::timestamptz[], @places::int[],
    @types::text[], @activity::boolean, sqlc.narg(as_of)::timestamptz,
    sqlc.narg(of_properties)::text, sqlc.narg(of_all)::text, @parts::text[],
    @kinds::text[], @paths::text[], sqlc.narg(number_path)::text,
    @people::boolean, @traits::text[], @accounts::boolean, @cohorts::bigint[]) m
  where m.bucket is not null
    and m.group_id is not null
    and (@only_keys::jsonb is null or m.keys in (select w.keys from wanted w))
    and (@but_keys::jsonb is null or m.keys not in (select s.keys from spared s))
),
seen as materialized (
  select n.keys, a.account_id
  from named n
  left join account a on a.group_type = n.group_type and a.group_id = n.group_id
)
select to_jsonb(t.keys) as keys, t.total::bigint as total, coalesce(p.id, 0)::bigint as id
from (select s.keys, count(*) as total from seen s group by s.keys) t
left join lateral (
  select s.account_id as id
  from seen s
  where s.keys = t.keys and s.account_id > @after::bigint
  order by s.account_id
  limit @most
) p on true
order by t.keys, p.id;
