-- name: EventCopy :copyfrom
insert into event (
  tenant_id, occurred_at, received_at, type, person_id, user_id, anonymous_id,
  source, message_id, claimed_at, properties, context
) values (
  @tenant_id, @occurred_at, @received_at, @type, @person_id, @user_id, @anonymous_id,
  @source, @message_id, @claimed_at, @properties, @context
);

-- The database's clock judges when an event arrived.
-- name: EventClock :one
select now()::timestamptz;

-- name: EventPartitionEnsure :one
select event_partition_ensure(@month::date);

-- The newest first; the cursor is the last row's instant and id.
-- name: EventPage :many
select
  occurred_at, event_id, received_at, type, user_id, anonymous_id, message_id,
  properties, context
from event
where occurred_at >= @range_from
  and occurred_at < @range_to
  and (occurred_at, event_id) < (@before_at::timestamptz, @before_id::bigint)
  and (@types::text[] is null or type = any (@types::text[]))
order by occurred_at desc, event_id desc
limit @most;

-- Several at once, for a dataloader: the instants lead to the partitions.
-- name: EventListByIDs :many
select
  e.occurred_at, e.event_id, e.received_at, e.type, e.user_id, e.anonymous_id, e.message_id,
  e.properties, e.context
from unnest(@ats::timestamptz[], @ids::bigint[]) as k (at, id)
join event e on e.occurred_at = k.at and e.event_id = k.id;
