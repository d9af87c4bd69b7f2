-- name: TrackingPlanCurrent :one
select version, plan, saved_at, saved_by
from tracking_plan
order by version desc
limit 1;

-- name: TrackingPlanGet :one
select version, plan, saved_at, saved_by
from tracking_plan
where version = @version;

-- name: TrackingPlanInsert :one
insert into tracking_plan (version, plan, saved_by)
values (@version, @plan, @saved_by)
returning version, plan, saved_at, saved_by;

-- The newest first; the cursor is the last row's version.
-- name: TrackingPlanPage :many
select version, plan, saved_at, saved_by
from tracking_plan
where version < @before
order by version desc
limit @most;

-- name: TrackingPlanCount :one
select count(*) from tracking_plan;

-- Stored events, the latest first, to see what a plan would make of them. What sets traits
-- is left out: an event keeps no traits.
-- name: TrackingPlanSample :many
select occurred_at, event_id, type, message_id, properties
from event
where occurred_at >= @since
  and (occurred_at, event_id) < (@before_at::timestamptz, @before_id::bigint)
  and type not in ('$identify', '$group')
order by occurred_at desc, event_id desc
limit @most;

-- Counts what was found against the plan. What is beyond the bound is left out of the answer.
-- name: PlanViolationObserve :many
with seen as (
  select
    u.type, u.property, u.rule, u.volume, u.message_id,
    k.type is not null as known,
    row_number() over (partition by k.type is null order by u.ordinality) as place
  from unnest(@types::text[], @properties::text[], @rules::text[], @volumes::bigint[], @message_ids::text[])
    with ordinality as u (type, property, rule, volume, message_id, ordinality)
  left join plan_violation k on k.type = u.type and k.property = u.property and k.rule = u.rule
)
insert into plan_violation as v (type, property, rule, volume, message_id)
select s.type, s.property, s.rule, s.volume, s.message_id
from seen s
where s.known or s.place + (select count(*) from plan_violation) <= @most::bigint
order by s.type, s.property, s.rule
on conflict (tenant_id, type, property, rule) do update
set last_seen_at = greatest(v.last_seen_at, excluded.last_seen_at),
    volume = v.volume + excluded.volume,
    message_id = excluded.message_id
returning v.type, v.property, v.rule;

-- name: PlanViolationPage :many
select type, property, rule, first_seen_at, last_seen_at, volume, message_id
from plan_violation
where (type, property, rule) > (@after_type::text, @after_property::text, @after_rule::text)
  and (@types::text[] is null or type = any (@types::text[]))
order by type, property, rule
limit @most;

-- name: PlanViolationCount :one
select count(*)
from plan_violation
where @types::text[] is null or type = any (@types::text[]);

-- 0: there is none. Cheap, since every server asks once a second for each tenant that sends.
-- name: TrackingPlanVersion :one
select coalesce(max(version), 0)::int from tracking_plan;
