-- Puts events aside. One that is held already stays as it is, unless it says something else
-- now: then the later one is held.
-- name: QuarantinedEventHold :exec
insert into quarantined_event as q (
  received_at, source, message_id, message_key, fingerprint, type, field, reason, plan_version, body
)
select
  least(coalesce(nullif(u.received_at, 'epoch'), now()), now()), u.source, u.message_id, u.message_key,
  u.fingerprint, u.type, u.field, u.reason, u.plan_version, u.body
from unnest(
  @received_ats::timestamptz[], @sources::text[], @message_ids::text[], @message_keys::uuid[], @fingerprints::bigint[],
  @types::text[], @fields::text[], @reasons::text[], @plan_versions::int[], @bodies::json[]
) as u (received_at, source, message_id, message_key, fingerprint, type, field, reason, plan_version, body)
order by u.message_key
on conflict (tenant_id, message_key) where state = 'HELD' do update
set received_at = excluded.received_at,
    fingerprint = excluded.fingerprint,
    type = excluded.type,
    field = excluded.field,
    reason = excluded.reason,
    plan_version = excluded.plan_version,
    body = excluded.body
where q.fingerprint <> excluded.fingerprint;

-- How many are held, counted no further than to the bound.
-- name: QuarantinedEventHeldCount :one
select count(*)
from (select from quarantined_event where state = 'HELD' limit @most) held;

-- Those that are held, the newest first; the cursor is the last row's id.
-- name: QuarantinedEventPage :many
select quarantined_event_id, received_at, source, message_id, type, field, reason, plan_version, body
from quarantined_event
where state = 'HELD'
  and quarantined_event_id < @before
  and (@types::text[] is null or type = any (@types::text[]))
order by quarantined_event_id desc
limit @most;

-- name: QuarantinedEventCount :one
select count(*)
from quarantined_event
where state = 'HELD'
  and (@types::text[] is null or type = any (@types::text[]));

-- Those to decide on, the oldest first.
-- name: QuarantinedEventListHeld :many
select quarantined_event_id, received_at, source, message_id, type, field, reason, plan_version, body
from quarantined_event
where state = 'HELD'
  and quarantined_event_id > @after
  and (@ids::bigint[] is null or quarantined_event_id = any (@ids::bigint[]))
  and (@types::text[] is null or type = any (@types::text[]))
order by quarantined_event_id
limit @most;

-- Decided on, an event keeps nothing of what it said. If it was replaced by a later one of
-- its message meanwhile, that one stays.
-- name: QuarantinedEventDecide :execrows
update quarantined_event q
set state = @state, body = null, decided_at = now(), decided_by = @decided_by
from unnest(@ids::bigint[], @received_ats::timestamptz[]) as u (id, received_at)
where q.quarantined_event_id = u.id and q.received_at = u.received_at and q.state = 'HELD';

-- Worker: forgets what was put aside too long ago, some at a time.
-- name: QuarantinedEventExpire :execrows
delete from quarantined_event
where ctid = any (array(
  select q.ctid
  from quarantined_event q
  where q.received_at < now() - @keep::interval
  order by q.received_at
  limit @most
));
