-- One save after the other, so that each is checked against what the others left. The instant is
-- taken afterwards: versions that follow each other do so in time as well.
-- name: MetricDefinitionTakeTurn :one
select clock_timestamp()::timestamptz as at
from (select pg_advisory_xact_lock(hashtextextended('metric_definition/' || current_tenant()::text, 0))) turn;

-- All that hold, by key.
-- name: MetricDefinitionList :many
select key, version, definition
from metric_definition_version
where ended_at is null
order by key;

-- Those of some keys, and what their formulas are made of, as they were at an instant; now
-- unless given.
-- name: MetricDefinitionFind :many
with recursive wanted as (
  select unnest(@keys::text[]) as key
  union
  select unnest(v.uses)
  from wanted w
  join metric_definition_version v on v.key = w.key
  where v.saved_at <= coalesce(sqlc.narg(at)::timestamptz, 'infinity')
    and (v.ended_at is null or v.ended_at > coalesce(sqlc.narg(at)::timestamptz, 'infinity'))
)
select v.key, v.version, v.definition
from wanted w
join metric_definition_version v on v.key = w.key
where v.saved_at <= coalesce(sqlc.narg(at)::timestamptz, 'infinity')
  and (v.ended_at is null or v.ended_at > coalesce(sqlc.narg(at)::timestamptz, 'infinity'))
order by v.key;

-- A key that was given up goes on with its versions.
-- name: MetricDefinitionCreate :one
insert into metric_definition as d (key, version)
values (@key, 1)
on conflict (tenant_id, key) do update
set version = d.version + 1, removed_at = null
where d.removed_at is not null
returning d.version;

-- name: MetricDefinitionSave :exec
insert into metric_definition_version (key, version, definition, uses, saved_at, saved_by)
values (@key, @version, @definition, @uses, @at, @saved_by);

-- name: MetricDefinitionChange :one
with ended as (
  update metric_definition_version
  set ended_at = @at::timestamptz
  where key = @key::text and ended_at is null
  returning key
)
update metric_definition d
set version = d.version + 1
from ended e
where d.key = e.key
returning d.version;

-- Those that are made of a metric get a version of their own when it changes: their figures
-- change as well.
-- name: MetricDefinitionRenew :exec
with ended as (
  update metric_definition_version
  set ended_at = @at::timestamptz
  where key = any (@keys::text[]) and ended_at is null
  returning key, version, definition, uses
),
moved as (
  update metric_definition d
  set version = e.version + 1
  from ended e
  where d.key = e.key
)
insert into metric_definition_version (key, version, definition, uses, saved_at, saved_by, because)
select e.key, e.version + 1, e.definition, e.uses, @at, @saved_by, @because::text
from ended e;

-- name: MetricDefinitionRemove :execrows
with ended as (
  update metric_definition_version
  set ended_at = @at::timestamptz
  where key = @key::text and ended_at is null
  returning key
)
update metric_definition d
set removed_at = @at::timestamptz
from ended e
where d.key = e.key;

-- The versions of some keys, of each the newest first.
-- name: MetricDefinitionVersions :many
select v.key, v.version, v.definition, v.saved_at, v.ended_at, v.saved_by, v.because
from unnest(@keys::text[]) as k (key)
cross join lateral (
  select m.key, m.version, m.definition, m.saved_at, m.ended_at, m.saved_by, m.because
  from metric_definition_version m
  where m.key = k.key and m.version < @before
  order by m.version desc
  limit @most
) v
order by v.key, v.version desc;

-- Those of some types of events that were never seen.
-- name: MetricDefinitionUnseenTypes :many
select t.name::text as name
from unnest(@types::text[]) as t (name)
where not exists (select from event_type e where e.name = t.name)
order by t.name;
