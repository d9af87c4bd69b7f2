-- What is measured of single events, by bucket and group: a column "value" for whatever was
-- asked for, in statements whose text never depends on it. Each gives the groups that are
-- wanted ("only_keys"), or puts all others but some together ("but_keys"), or the largest ones.
-- name: MeasureCount :many
with wanted as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@only_keys::jsonb) o
),
spared as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@but_keys::jsonb) o
),
cell as (
  select m.bucket, case when @but_keys::jsonb is null then m.keys else '{}' end as keys, count(*)::float8 as value
  from measured_event(
    @range_from::timestamptz, @range_to::timestamptz, @edges::timestamptz[], @places::int[],
    @types::text[], @activity::boolean, sqlc.narg(as_of)::timestamptz,
    sqlc.narg(of_properties)::text, sqlc.narg(of_all)::text, @parts::text[],
    @kinds::text[], @paths::text[], sqlc.narg(number_path)::text,
    @people::boolean, @traits::text[], @accounts::boolean, @cohorts::bigint[]) m
  where m.bucket is not null
    and (@only_keys::jsonb is null or m.keys in (select w.keys from wanted w))
    and (@but_keys::jsonb is null or m.keys not in (select s.keys from spared s))
  group by 1, 2
),
largest as (
  select c.keys from cell c group by c.keys order by sum(c.value) desc, c.keys limit @most
)
select c.bucket, to_jsonb(c.keys) as keys, c.value
from cell c
join largest l on l.keys = c.keys
order by c.bucket, c.keys;

-- Distinct persons: told apart first, and then counted.
-- name: MeasureUsers :many
with wanted as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@only_keys::jsonb) o
),
spared as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@but_keys::jsonb) o
),
cell as (
  select u.bucket, u.keys, count(*)::float8 as value
  from (
    select distinct m.bucket, case when @but_keys::jsonb is null then m.keys else '{}' end as keys, m.person_id
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
  ) u
  group by u.bucket, u.keys
),
largest as (
  select c.keys from cell c group by c.keys order by sum(c.value) desc, c.keys limit @most
)
select c.bucket, to_jsonb(c.keys) as keys, c.value
from cell c
join largest l on l.keys = c.keys
order by c.bucket, c.keys;

-- Distinct accounts.
-- name: MeasureAccounts :many
with wanted as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@only_keys::jsonb) o
),
spared as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@but_keys::jsonb) o
),
cell as (
  select u.bucket, u.keys, count(*)::float8 as value
  from (
    select distinct m.bucket, case when @but_keys::jsonb is null then m.keys else '{}' end as keys, m.group_type, m.group_id
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
  ) u
  group by u.bucket, u.keys
),
largest as (
  select c.keys from cell c group by c.keys order by sum(c.value) desc, c.keys limit @most
)
select c.bucket, to_jsonb(c.keys) as keys, c.value
from cell c
join largest l on l.keys = c.keys
order by c.bucket, c.keys;

-- Sums and the like, of those events alone that have a number there. Added up as decimals.
-- name: MeasureNumbers :many
with wanted as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@only_keys::jsonb) o
),
spared as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@but_keys::jsonb) o
),
cell as (
  select
    m.bucket,
    case when @but_keys::jsonb is null then m.keys else '{}' end as keys,
    as_float(case @aggregation::text
      when 'SUM' then sum(m.number)
      when 'AVERAGE' then avg(m.number)
      when 'MINIMUM' then min(m.number)
      when 'MAXIMUM' then max(m.number)
    end) as value
  from measured_event(
    @range_from::timestamptz, @range_to::timestamptz, @edges::timestamptz[], @places::int[],
    @types::text[], @activity::boolean, sqlc.narg(as_of)::timestamptz,
    sqlc.narg(of_properties)::text, sqlc.narg(of_all)::text, @parts::text[],
    @kinds::text[], @paths::text[], sqlc.narg(number_path)::text,
    @people::boolean, @traits::text[], @accounts::boolean, @cohorts::bigint[]) m
  where m.bucket is not null
    and m.number is not null
    and (@only_keys::jsonb is null or m.keys in (select w.keys from wanted w))
    and (@but_keys::jsonb is null or m.keys not in (select s.keys from spared s))
  group by 1, 2
),
largest as (
  select c.keys from cell c group by c.keys order by sum(c.value) desc, c.keys limit @most
)
select c.bucket, to_jsonb(c.keys) as keys, c.value
from cell c
join largest l on l.keys = c.keys
order by c.bucket, c.keys;

-- name: MeasurePercentile :many
with wanted as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@only_keys::jsonb) o
),
spared as (
  select array[o ->> 0, o ->> 1, o ->> 2] as keys from jsonb_array_elements(@but_keys::jsonb) o
),
cell as (
  select
    m.bucket,
    case when @but_keys::jsonb is null then m.keys else '{}' end as keys,
    percentile_cont(@fraction::float8) within group (order by as_float(m.number)) as value
  from measured_event(
    @range_from::timestamptz, @range_to::timestamptz, @edges::timestamptz[], @places::int[],
    @types::text[], @activity::boolean, sqlc.narg(as_of)::timestamptz,
    sqlc.narg(of_properties)::text, sqlc.narg(of_all)::text, @parts::text[],
    @kinds::text[], @paths::text[], sqlc.narg(number_path)::text,
    @people::boolean, @traits::text[], @accounts::boolean, @cohorts::bigint[]) m
  where m.bucket is not null
    and m.number is not null
    and (@only_keys::jsonb is null or m.keys in (select w.keys from wanted w))
    and (@but_keys::jsonb is null or m.keys not in (select s.keys from spared s))
  group by 1, 2
),
largest as (
  select c.keys from cell c group by c.keys order by sum(c.value) desc, c.keys limit @most
)
select c.bucket, to_jsonb(c.keys) as keys, c.value
from cell c
join largest l on l.keys = c.keys
order by c.bucket, c.keys;

-- Persons by the first event of their life that counts, so all until the end of the range are
-- looked at: what lies before it has no bucket, and the range begins with time.
-- name: MeasureNewUsers :many
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
cell as (
  select f.bucket, case when @but_keys::jsonb is null then f.keys else '{}' end as keys, count(*)::float8 as value
  from first f
  where f.bucket is not null
    and (@only_keys::jsonb is null or f.keys in (select w.keys from wanted w))
    and (@but_keys::jsonb is null or f.keys not in (select s.keys from spared s))
  group by 1, 2
),
largest as (
  select c.keys from cell c group by c.keys order by sum(c.value) desc, c.keys limit @most
)
select c.bucket, to_jsonb(c.keys) as keys, c.value
from cell c
join largest l on l.keys = c.keys
order by c.bucket, c.keys;
