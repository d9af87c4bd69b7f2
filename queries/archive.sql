-- Worker: one process at a time works on a tenant's archive; the lock goes with the
-- transaction.
-- name: ArchiveTryLock :one
select pg_try_advisory_xact_lock(hashtextextended('tidemark_archive/' || @tenant::text, 0));

-- Worker: which of the months a tenant has raw events in, and is not keeping since they
-- were brought back.
-- name: ArchiveMonthList :many
select m.month::date as month
from unnest(@months::date[], @starts::timestamptz[], @ends::timestamptz[]) as m (month, starts, ends)
where exists (
    select
    from event e
    where e.tenant_id = @tenant_id and e.occurred_at >= m.starts and e.occurred_at < m.ends
  )
  and not exists (
    select
    from archive_part p
    where p.tenant_id = @tenant_id and p.month = m.month and p.restored_until > now()
  )
order by m.month;

-- Worker.
-- name: ArchiveEventCount :one
select count(*)
from event
where tenant_id = @tenant_id and occurred_at >= @starts and occurred_at < @ends;

-- Worker: all that there is to an event. What is written to the archive, and what is
-- brought back from it by ArchiveEventRestore, are these columns.
-- name: ArchiveEventPage :many
select
  occurred_at, event_id, received_at, type, identity_id, group_type, group_id,
  user_id, anonymous_id, source, message_id, claimed_at,
  properties::text as properties, context::text as context
from event
where tenant_id = @tenant_id
  and occurred_at >= @starts
  and occurred_at < @ends
  and (occurred_at, event_id) > (@after_at::timestamptz, @after_id::bigint)
order by occurred_at, event_id
limit @most;

-- Worker: one at a time, since values in lists can't be null. A row is answered if it was
-- not there yet.
-- name: ArchiveEventRestore :batchmany
insert into event (
  tenant_id, occurred_at, event_id, received_at, type, identity_id, group_type, group_id,
  user_id, anonymous_id, source, message_id, claimed_at,
  properties, context
)
values (
  @tenant_id, @occurred_at, @event_id, @received_at, @type, @identity_id, @group_type, @group_id,
  @user_id, @anonymous_id, @source, @message_id, @claimed_at,
  @properties, @context
)
on conflict (tenant_id, occurred_at, event_id) do nothing
returning event_id;

-- Worker: exactly the events of these keys.
-- name: ArchiveEventDelete :execrows
delete from event e
using unnest(@ats::timestamptz[], @ids::bigint[]) as k (at, id)
where e.tenant_id = @tenant_id
  and e.occurred_at >= @starts
  and e.occurred_at < @ends
  and e.occurred_at = k.at
  and e.event_id = k.id;

-- Worker: names an object before it is written, so that none is ever forgotten.
-- name: ArchivePartBegin :one
insert into archive_part (tenant_id, month, part, path)
select @tenant_id, @month, n.part, @prefix::text || lpad(n.part::text, 8, '0') || '.parquet'
from (select nextval('archive_part_seq') as part) n
returning
  tenant_id, month, part, path, state, events, bytes, sha256, checksum, first_at, last_at,
  exported_at, verified_at, dropped_at, restored_at, restored_until;

-- Worker: what was written has been read back.
-- name: ArchivePartVerified :execrows
update archive_part
set state = 'verified', verified_at = now(),
    events = @events, bytes = @bytes, sha256 = @sha256, checksum = @checksum,
    first_at = sqlc.narg(first_at), last_at = sqlc.narg(last_at)
where tenant_id = @tenant_id and month = @month and part = @part and state = 'exporting';

-- Worker.
-- name: ArchivePartDropped :execrows
update archive_part
set state = 'dropped', dropped_at = now(), restored_at = null, restored_until = null
where tenant_id = @tenant_id and month = @month and part = @part and state = @was;

-- Worker: before the first event is brought back.
-- name: ArchivePartRestoring :execrows
update archive_part
set restored_until = now() + @keep::interval
where tenant_id = @tenant_id and month = @month and part = @part and state in ('dropped', 'restored');

-- Worker.
-- name: ArchivePartRestored :execrows
update archive_part
set state = 'restored', restored_at = now()
where tenant_id = @tenant_id and month = @month and part = @part and state in ('dropped', 'restored');

-- Worker: a part that was written anew takes the place of another.
-- name: ArchivePartReplace :execrows
update archive_part n
set state = o.state, dropped_at = o.dropped_at, restored_at = o.restored_at, restored_until = o.restored_until
from archive_part o
where n.tenant_id = @tenant_id and n.month = @month and n.part = @part and n.state = 'verified'
  and o.tenant_id = n.tenant_id and o.month = n.month and o.part = @was and o.state in ('dropped', 'restored');

-- Worker.
-- name: ArchivePartDiscard :execrows
update archive_part
set state = 'discarded'
where tenant_id = @tenant_id and month = @month and part = @part;

-- Worker: whoever began these is gone, and their events are in the database.
-- name: ArchivePartDiscardUnfinished :execrows
update archive_part
set state = 'discarded'
where tenant_id = @tenant_id and state in ('exporting', 'verified');

-- Worker.
-- name: ArchivePartListDiscarded :many
select
  tenant_id, month, part, path, state, events, bytes, sha256, checksum, first_at, last_at,
  exported_at, verified_at, dropped_at, restored_at, restored_until
from archive_part
where tenant_id = @tenant_id and state = 'discarded'
order by month, part;

-- Worker: once its object has been removed.
-- name: ArchivePartForget :exec
delete from archive_part
where tenant_id = @tenant_id and month = @month and part = @part and state = 'discarded';

-- Worker: what the archive has of a stretch of months.
-- name: ArchivePartList :many
select
  tenant_id, month, part, path, state, events, bytes, sha256, checksum, first_at, last_at,
  exported_at, verified_at, dropped_at, restored_at, restored_until
from archive_part
where tenant_id = @tenant_id
  and month >= @first_month
  and month <= @last_month
  and state in ('dropped', 'restored')
order by month, part;

-- Worker: what was brought back, and is not kept any longer.
-- name: ArchivePartListExpired :many
select
  tenant_id, month, part, path, state, events, bytes, sha256, checksum, first_at, last_at,
  exported_at, verified_at, dropped_at, restored_at, restored_until
from archive_part
where tenant_id = @tenant_id and month < @before and restored_until <= now() and state in ('dropped', 'restored')
order by month, part;

-- Worker.
-- name: ArchivePartGet :one
select
  tenant_id, month, part, path, state, events, bytes, sha256, checksum, first_at, last_at,
  exported_at, verified_at, dropped_at, restored_at, restored_until
from archive_part
where tenant_id = @tenant_id and month = @month and part = @part;

-- The latest month first.
-- name: ArchivePartPage :many
select
  tenant_id, month, part, path, state, events, bytes, sha256, checksum, first_at, last_at,
  exported_at, verified_at, dropped_at, restored_at, restored_until
from archive_part
where state <> 'discarded'
  and (month, part) < (@before_month::date, @before_part::bigint)
order by month desc, part desc
limit @most;

-- name: ArchivePartCount :one
select count(*)
from archive_part
where state <> 'discarded';

-- Several at once, for a dataloader.
-- name: ArchivePartListByKeys :many
select
  p.tenant_id, p.month, p.part, p.path, p.state, p.events, p.bytes, p.sha256, p.checksum, p.first_at, p.last_at,
  p.exported_at, p.verified_at, p.dropped_at, p.restored_at, p.restored_until
from unnest(@months::date[], @parts::bigint[]) as k (month, part)
join archive_part p on p.month = k.month and p.part = k.part and p.state <> 'discarded';

-- Worker: whose archive has erasures to follow.
-- name: ErasureListTenants :many
select distinct tenant_id
from erasure
where database_done_at is not null and archive_done_at is null
order by tenant_id;

-- Worker: the erasures that the archive has yet to follow: after the database, so that what
-- both had is taken out of the figures once.
-- name: ErasureListPending :many
select erasure_id, identity_ids
from erasure
where tenant_id = @tenant_id and database_done_at is not null and archive_done_at is null
order by requested_at, erasure_id;

-- Worker.
-- name: ErasureAddEvents :exec
update erasure
set events_erased = events_erased + @events
where tenant_id = @tenant_id and erasure_id = @erasure_id;

-- Worker.
-- name: ErasureFinish :exec
update erasure
set archive_done_at = now(), finished_at = coalesce(finished_at, now())
where tenant_id = @tenant_id and erasure_id = any (@erasure_ids::uuid[]) and archive_done_at is null;
