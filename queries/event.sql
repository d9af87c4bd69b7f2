-- Events come in through the session's temporary table of this name, filled by COPY, since
-- row security lets COPY into no table that lasts. It is empty again after the transaction.
-- name: EventStageMake :exec
select event_stage_make();

-- name: EventInsertStaged :execrows
with turn as materialized (
  select current_tenant() as tenant_id -- once, and not for each row
)
insert into event (
  tenant_id, occurred_at, received_at, type, identity_id, user_id, anonymous_id,
  group_type, group_id, source, message_id, claimed_at, properties, context
)
select
  t.tenant_id, i.occurred_at, i.received_at, i.type, i.identity_id, i.user_id, i.anonymous_id,
  i.group_type, i.group_id, i.source, i.message_id, i.claimed_at, i.properties, i.context
from event_incoming i
cross join turn t;

-- The database's clock judges lateness.
-- name: EventClock :one
select now()::timestamptz;

-- Lets one transaction of a tenant write at a time, over all servers: they would meet on the
-- same rollups anyway, and so they never wait for each other in a circle. The clock is read
-- once it is our turn, so that arrival is the order of commits.
--
-- What follows in the transaction finds its rows by keys, whatever the statistics say: those
-- of a table that has just begun to fill know nothing of it.
-- name: EventTakeTurn :one
select
  our.received_at::timestamptz as received_at,
  our.staged::boolean as staged
from (
  select
    clock_timestamp() as received_at,
    to_regclass('pg_temp.event_incoming') is not null as staged
  from (
    select
      pg_advisory_xact_lock(hashtextextended(current_tenant()::text, 0)),
      set_config('enable_seqscan', 'off', true),
      set_config('jit', 'off', true)
  ) turn
  offset 0
) our
-- What changes hands in this transaction does so at the same instant.
where set_config('app.turn_at', our.received_at::text, true) is not null;

-- name: EventPartitionEnsure :one
select event_partition_ensure(@month::date);

-- The newest first; the cursor is the last row's instant and id.
-- name: EventPage :many
select
  occurred_at, event_id, received_at, type, identity_id, user_id, anonymous_id, group_type, group_id, message_id,
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
  e.occurred_at, e.event_id, e.received_at, e.type, e.identity_id, e.user_id, e.anonymous_id, e.group_type, e.group_id, e.message_id,
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
