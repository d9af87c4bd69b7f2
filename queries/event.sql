-- Row security does not let COPY in, so the columns come as arrays. Where a value may be
-- missing, '', 0 and the epoch stand for null: none of them is a real one.
-- name: EventInsert :exec
insert into event (
  occurred_at, received_at, type, identity_id, user_id, anonymous_id,
  source, message_id, claimed_at, properties, context
)
select
  u.occurred_at, @received_at, u.type, nullif(u.person_id, 0), nullif(u.user_id, ''), nullif(u.anonymous_id, ''),
  u.source, u.message_id, nullif(u.claimed_at, 'epoch'), u.properties, u.context
from unnest(
  @occurred_ats::timestamptz[], @types::text[], @person_ids::bigint[], @user_ids::text[], @anonymous_ids::text[],
  @sources::text[], @message_ids::text[], @claimed_ats::timestamptz[], @properties::jsonb[], @contexts::jsonb[]
) with ordinality as u (
  occurred_at, type, person_id, user_id, anonymous_id,
  source, message_id, claimed_at, properties, context, ordinality
)
order by u.ordinality;

-- The database's clock judges lateness.
-- name: EventClock :one
select now()::timestamptz;

-- Lets one transaction of a tenant write at a time, over all servers: they would meet on the
-- same rollups anyway, and so they never wait for each other in a circle. The clock is read
-- once it is our turn, so that arrival is the order of commits.
-- name: EventTakeTurn :one
select clock_timestamp()::timestamptz as received_at
from (select pg_advisory_xact_lock(hashtextextended(current_tenant()::text, 0))) turn;

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

-- Worker: the months that have a partition.
-- name: EventPartitionList :many
select to_date(right(c.relname, 6), 'YYYYMM')::date as month
from pg_inherits i
join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'event'::regclass
order by 1;

-- Worker.
-- name: EventRangeHolds :one
select exists (
  select
  from event
  where occurred_at >= @starts and occurred_at < @ends
);

-- Worker.
-- name: EventPartitionDrop :one
select event_partition_drop(@month::date);
