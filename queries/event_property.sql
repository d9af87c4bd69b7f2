-- Adds what a batch had of each property of each kind. Names beyond a type's bound are left
-- out of the answer. A sample is kept for a month; none is taken if the plan has changed
-- since it was decided which properties are personal.
-- name: EventPropertyObserve :many
with seen as (
  select
    u.type, u.name, u.kind, u.first_seen_at, u.last_seen_at, u.volume, u.sample,
    exists (select from event_property k where k.type = u.type and k.name = u.name) as known
  from unnest(
    @types::text[], @names::text[], @kinds::text[],
    @first_seen_ats::timestamptz[], @last_seen_ats::timestamptz[], @volumes::bigint[], @samples::text[]
  ) as u (type, name, kind, first_seen_at, last_seen_at, volume, sample)
),
placed as (
  select
    s.type, s.name, s.kind, s.first_seen_at, s.last_seen_at, s.volume, s.sample, s.known,
    dense_rank() over (partition by s.type, s.known order by s.name) as place
  from seen s
)
insert into event_property as p (type, name, kind, first_seen_at, last_seen_at, volume, sample, sampled_at)
select s.type, s.name, s.kind, s.first_seen_at, s.last_seen_at, s.volume, c.sample, case when c.sample is not null then now() end
from placed s
join event_type t on t.name = s.type
cross join (select coalesce(max(version), 0) as version from tracking_plan) plan
cross join lateral (
  select case when plan.version = @plan_version::int then nullif(s.sample, '') end as sample
) c
where s.known or s.place + t.properties <= @most::bigint
order by s.type, s.name, s.kind
on conflict (tenant_id, type, name, kind) do update
set first_seen_at = least(p.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at),
    volume = p.volume + excluded.volume,
    sample = case when p.sampled_at > now() - interval '30 days' then p.sample else coalesce(excluded.sample, p.sample) end,
    sampled_at = case when p.sampled_at > now() - interval '30 days' then p.sampled_at else coalesce(excluded.sampled_at, p.sampled_at) end
returning p.type, p.name, p.kind, p.volume;

-- The kinds of some properties.
-- name: EventPropertyKindList :many
select p.type, p.name, p.kind
from (select distinct k.type, k.name from unnest(@types::text[], @names::text[]) as k (type, name)) k
join event_property p on p.type = k.type and p.name = k.name
order by p.type, p.name, p.kind;

-- The properties of several types, for a dataloader.
-- name: EventPropertyListByTypes :many
select type, name, kind, first_seen_at, last_seen_at, volume, sample
from event_property
where type = any (@types::text[])
order by type, name, kind;

-- name: EventPropertyForgetSamples :execrows
update event_property
set sample = null, sampled_at = null
where sample is not null;

-- The samples of properties that a plan has called personal.
-- name: EventPropertyForgetSamplesOf :execrows
update event_property p
set sample = null, sampled_at = null
from unnest(@types::text[], @names::text[]) as u (type, name)
where p.type = u.type and p.name = u.name and p.sample is not null;

-- name: RegistryStateGet :one
select
  coalesce(max(unrecorded_events), 0)::bigint as unrecorded_events,
  coalesce(max(unrecorded_violations), 0)::bigint as unrecorded_violations
from registry_state;

-- name: RegistryStateAdd :exec
insert into registry_state as s (unrecorded_events, unrecorded_violations)
values (@events, @violations)
on conflict (tenant_id) do update
set unrecorded_events = s.unrecorded_events + excluded.unrecorded_events,
    unrecorded_violations = s.unrecorded_violations + excluded.unrecorded_violations;

-- name: RegistryStateForgotSamples :exec
insert into registry_state (samples_forgotten_at)
values (now())
on conflict (tenant_id) do update
set samples_forgotten_at = excluded.samples_forgotten_at;
