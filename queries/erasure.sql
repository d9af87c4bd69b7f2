-- The identities of the person that one belongs to now.
-- name: ErasureIdentities :many
select o.identity_id
from identity i
join identity o on o.person_id = i.person_id
where i.identity_id = @identity_id
order by o.identity_id;

-- name: ErasureInsert :one
insert into erasure (erasure_id, requested_by, reason, identity_ids)
values (@erasure_id, @requested_by, @reason, @identity_ids)
returning erasure_id, requested_at, reason, identity_ids, events_erased, finished_at;

-- Whether any of these is to be forgotten, and is not yet.
-- name: ErasureIsBegun :one
select exists (
  select
  from erasure
  where forgotten_at is null and identity_ids && @identity_ids::bigint[]
);

-- name: ErasureGet :one
select erasure_id, requested_at, reason, identity_ids, events_erased, finished_at
from erasure
where erasure_id = @erasure_id;

-- What serves tenants takes nothing away, so the worker erases. It sees all tenants: every
-- statement from here on names the one. First the turn that EventTakeTurn takes.
-- Worker.
-- name: ErasureTakeTurn :exec
select pg_advisory_xact_lock(hashtextextended(cast(@tenant_id::uuid as text), 0));

-- Worker: an erasure that is to begin, with the devices that have joined the person since it
-- was asked for. None where another worker has begun.
-- name: ErasureBegin :one
update erasure e
set
  forgotten_at = now(),
  identity_ids = e.identity_ids || array(
    select d.identity_id
    from identity d
    where d.tenant_id = e.tenant_id
      and d.person_id = any (array(
        select i.person_id from identity i where i.tenant_id = e.tenant_id and i.identity_id = any (e.identity_ids)
      ))
      and d.linked_to = any (e.identity_ids)
      and not d.detached
      and d.identity_id <> all (e.identity_ids)
  )
where e.tenant_id = @tenant_id and e.erasure_id = @erasure_id and e.forgotten_at is null
returning e.identity_ids;

-- Worker: the persons that have lost some of their identities, and go on without.
-- name: ErasureLeftBehind :many
select distinct i.person_id
from identity i
where i.tenant_id = @tenant_id
  and i.identity_id = any (@identity_ids::bigint[])
  and i.person_id <> all (@identity_ids::bigint[])
order by i.person_id;

-- Worker: as IdentityBirths, for which row security knows the tenant.
-- name: ErasureBirths :exec
update identity i
set born_at = b.first_seen_at, day = b.first_seen_day
from unnest(@person_ids::bigint[]) as w (person_id)
left join lateral (
  select o.first_seen_at, o.first_seen_day
  from identity o
  where o.tenant_id = @tenant_id and o.person_id = w.person_id and o.first_seen_at is not null
  order by o.first_seen_at, o.identity_id
  limit 1
) b on true
where i.tenant_id = @tenant_id
  and i.identity_id = any (@person_ids::bigint[]) -- so that the key is used
  and i.identity_id = w.person_id
  and i.person_id = i.identity_id
  and (i.born_at, i.day) is distinct from (b.first_seen_at, b.first_seen_day);

-- Worker: people may have named somebody in a reason.
-- name: ErasureBlankReasons :exec
update identity_correction
set reason = ''
where tenant_id = @tenant_id and identity_ids && @identity_ids::bigint[] and kind <> 'ERASE' and reason <> '';

-- Worker.
-- name: ErasureDeleteMerges :exec
delete from person_merge
where tenant_id = @tenant_id
  and (from_id = any (@identity_ids::bigint[]) or into_id = any (@identity_ids::bigint[]));

-- Worker: what was kept apart from a user has nobody to come back to.
-- name: ErasureUnlink :exec
update identity
set linked_to = null, linked_at = null, linked_by = null, detached = false
where tenant_id = @tenant_id and detached and linked_to = any (@identity_ids::bigint[]);

-- Worker.
-- name: ErasureDeleteMemberships :exec
delete from membership
where tenant_id = @tenant_id and identity_id = any (@identity_ids::bigint[]);

-- Worker.
-- name: ErasureDeleteProfiles :exec
delete from profile
where tenant_id = @tenant_id and subject = 'person' and subject_id = any (@identity_ids::bigint[]);

-- Worker: that they were in cohorts, and when.
-- name: ErasureDeleteCohortMembers :exec
delete from cohort_member
where tenant_id = @tenant_id and identity_id = any (@identity_ids::bigint[]);

-- Worker: whose they were before.
-- name: ErasureDeletePast :exec
delete from identity_past
where tenant_id = @tenant_id and identity_id = any (@identity_ids::bigint[]);

-- Worker: day by day and by the key, as in IdentityRegroup.
-- name: ErasureDeletePresence :exec
delete from presence
where ctid = any (array(
  select p.ctid
  from identity i
  cross join lateral generate_series(i.first_seen_day, (now() + interval '3 days')::date, interval '1 day') as d (day)
  cross join lateral (
    select o.ctid
    from presence o
    where o.tenant_id = i.tenant_id and o.day = d.day::date and o.identity_id = i.identity_id
    limit 1
  ) p
  where i.tenant_id = @tenant_id and i.identity_id = any (@identity_ids::bigint[])
));

-- Worker: events that are kept aside have no identity yet, but ids.
-- name: ErasureDeleteQuarantined :exec
delete from quarantined_event q
using identity i
where q.tenant_id = @tenant_id
  and q.body is not null
  and i.tenant_id = @tenant_id
  and i.identity_id = any (@identity_ids::bigint[])
  and case
    when i.anonymous then i.distinct_id in (q.body ->> 'anonymousId', q.body ->> 'previousId')
    else i.distinct_id = q.body ->> 'userId'
  end;

-- Worker.
-- name: ErasureDeleteIdentities :exec
delete from identity
where tenant_id = @tenant_id and identity_id = any (@identity_ids::bigint[]);

-- Worker: those whose events are still to be taken out, the oldest first.
-- name: ErasureListRunning :many
select tenant_id, erasure_id, identity_ids, (forgotten_at is not null)::boolean as forgotten
from erasure
where database_done_at is null
order by requested_at, erasure_id
limit @most;

-- Worker: when the erased person's events were among a tenant's next, and where the page after
-- these begins. By time, which is how events lie: an index by person would cost every batch.
-- name: ErasureFindEvents :one
with page as materialized (
  select e.occurred_at, e.event_id, e.identity_id
  from event e
  where e.tenant_id = @tenant_id
    and e.occurred_at >= @after_at::timestamptz
    and (e.occurred_at, e.event_id) > (@after_at::timestamptz, @after_id::bigint)
  order by e.occurred_at, e.event_id
  limit @most
)
select
  coalesce(array_agg(p.occurred_at order by p.occurred_at), '{}')::timestamptz[] as ats,
  (select count(*) from page)::bigint as seen,
  coalesce((select l.occurred_at from page l order by l.occurred_at desc, l.event_id desc limit 1), 'epoch')::timestamptz as last_at,
  coalesce((select l.event_id from page l order by l.occurred_at desc, l.event_id desc limit 1), 0)::bigint as last_id
from page p
where p.identity_id = any (@identity_ids::bigint[]);

-- Worker: takes events out, and tells what was counted of them. By a range of time, which
-- the key finds: none can have come under these identities meanwhile.
-- name: ErasureDeleteEvents :many
with gone as (
  delete from event e
  where e.tenant_id = @tenant_id
    and e.occurred_at >= @starts
    and e.occurred_at < @ends
    and e.identity_id = any (@identity_ids::bigint[])
  returning e.occurred_at, e.type
)
select date_bin('15 minutes', g.occurred_at, 'epoch')::timestamptz as at, g.type, count(*) as n
from gone g
group by 1, 2
order by 1, 2;

-- Worker: takes what is gone out of the figures.
-- name: ErasureLowerRollups :exec
with cell as materialized (
  select c.at, c.type, c.n
  from unnest(@ats::timestamptz[], @types::text[], @counts::bigint[]) as c (at, type, n)
),
lowered as (
  update event_rollup r
  set count = r.count - c.n
  from cell c
  where r.tenant_id = @tenant_id and r.at = c.at and r.type = c.type and r.count > c.n
)
delete from event_rollup r
using cell c
where r.tenant_id = @tenant_id and r.at = c.at and r.type = c.type and r.count <= c.n;

-- Worker: some at a time.
-- name: ErasureDeleteTraitChanges :execrows
delete from trait_change
where ctid = any (array(
  select t.ctid
  from trait_change t
  where t.tenant_id = @tenant_id and t.subject = 'person' and t.subject_id = any (@identity_ids::bigint[])
  limit @most
));

-- Worker.
-- name: ErasureEndDatabase :exec
update erasure
set database_done_at = now()
where tenant_id = @tenant_id and erasure_id = @erasure_id and database_done_at is null;

-- Worker: what was noted of them.
-- name: ErasureDeleteNotes :exec
delete from customer_note
where tenant_id = @tenant_id and subject = 'person' and subject_id = any (@identity_ids::bigint[]);

-- Worker: who looked after them.
-- name: ErasureDeleteOwners :exec
delete from customer_owner
where tenant_id = @tenant_id and subject = 'person' and subject_id = any (@identity_ids::bigint[]);

-- Worker: what they asked of support. Where it was for an account, that it was asked stays.
-- name: ErasureBlankTickets :exec
update ticket
set identity_id = null, subject = null, url = null
where tenant_id = @tenant_id and identity_id = any (@identity_ids::bigint[]) and account_id is not null;

-- Worker.
-- name: ErasureDeleteTickets :exec
delete from ticket
where tenant_id = @tenant_id and identity_id = any (@identity_ids::bigint[]) and account_id is null;
