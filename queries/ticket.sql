-- Tickets of support: as they stood last, by their source's id.
-- name: TicketZone :one
select t.zone
from tenant t;

-- How the tickets of a batch stand, as far as they are known.
-- name: TicketKnown :many
select t.ticket_id, t.source, t.external_id, t.updated_at, t.fingerprint
from (select distinct u.source, u.external_id from unnest(@sources::text[], @external_ids::text[]) as u (source, external_id)) w
join ticket t on t.source = w.source and t.external_id = w.external_id
order by t.ticket_id;

-- All of a ticket is what was said last. Whether that is later was looked at under the tenant's
-- turn; it is looked at again, as nothing older may ever win.
-- name: TicketUpsert :batchexec
insert into ticket as t (
  source, external_id, identity_id, account_id, subject, url, status, priority, channel, rating,
  opened_at, first_replied_at, solved_at, updated_at, fingerprint
) values (
  @source, @external_id, sqlc.narg(identity_id), sqlc.narg(account_id), sqlc.narg(subject), sqlc.narg(url), @status, sqlc.narg(priority),
  sqlc.narg(channel), sqlc.narg(rating), @opened_at, sqlc.narg(first_replied_at), sqlc.narg(solved_at), @updated_at, @fingerprint
)
on conflict (tenant_id, source, external_id) do update
set identity_id = excluded.identity_id, account_id = excluded.account_id, subject = excluded.subject, url = excluded.url,
  status = excluded.status, priority = excluded.priority, channel = excluded.channel, rating = excluded.rating,
  opened_at = excluded.opened_at, first_replied_at = excluded.first_replied_at, solved_at = excluded.solved_at,
  updated_at = excluded.updated_at, fingerprint = excluded.fingerprint
where excluded.updated_at > t.updated_at;

-- Of whoever is about to be erased nothing is told: neither who asked nor what; and where that is
-- all there is, no ticket.
-- name: TicketListByIDs :many
select t.ticket_id, t.source, t.external_id, i.identity_id, t.account_id, f.forgotten, t.subject, t.url,
  t.status, t.priority, t.channel, t.rating, t.opened_at, t.first_replied_at, t.solved_at, t.updated_at
from ticket t
cross join lateral (
  select exists (select from erasure e where e.forgotten_at is null and e.identity_ids @> array[t.identity_id]) as forgotten
) f
left join identity i on i.identity_id = t.identity_id and not f.forgotten
where t.ticket_id = any (@ticket_ids::bigint[])
  and (t.account_id is not null or i.identity_id is not null)
order by t.ticket_id;

-- A page of the tickets of each of several accounts, the latest opened first.
-- name: TicketPageOfAccounts :many
select k.account_id::bigint as of_id, t.ticket_id
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select o.ticket_id, o.opened_at
  from ticket o
  where o.account_id = k.account_id
    and o.status = any (@statuses::text[])
    and (o.opened_at, o.ticket_id) < (@before_at::timestamptz, @before_id::bigint)
  order by o.opened_at desc, o.ticket_id desc
  limit @most
) t
order by k.account_id, t.opened_at desc, t.ticket_id desc;

-- The same of persons, under any of their ids.
-- name: TicketPageOfPersons :many
select k.person_id::bigint as of_id, t.ticket_id
from unnest(@person_ids::bigint[]) as k (person_id)
cross join lateral (
  select o.ticket_id, o.opened_at
  from identity i
  join ticket o on o.identity_id = i.identity_id
  where i.person_id = k.person_id
    and o.status = any (@statuses::text[])
    and (o.opened_at, o.ticket_id) < (@before_at::timestamptz, @before_id::bigint)
  order by o.opened_at desc, o.ticket_id desc
  limit @most
) t
order by k.person_id, t.opened_at desc, t.ticket_id desc;

-- How many wait for something.
-- name: TicketOpenCountOfAccounts :many
select t.account_id::bigint as of_id, count(*) as n
from ticket t
where t.account_id = any (@account_ids::bigint[]) and t.status not in ('SOLVED', 'CLOSED')
group by t.account_id
order by t.account_id;

-- name: TicketOpenCountOfPersons :many
select i.person_id as of_id, count(*) as n
from identity i
join ticket t on t.identity_id = i.identity_id
where i.person_id = any (@person_ids::bigint[]) and t.status not in ('SOLVED', 'CLOSED')
group by i.person_id
order by i.person_id;

-- How all accounts stand with support; ratings are those of what was said last in a range.
-- name: TicketStanding :many
select t.account_id::bigint as account_id,
  count(*) filter (where t.status not in ('SOLVED', 'CLOSED')) as open,
  count(*) filter (where t.rating = 'GOOD' and t.updated_at >= @rated_from::timestamptz and t.updated_at < @rated_to::timestamptz) as good,
  count(*) filter (where t.rating = 'BAD' and t.updated_at >= @rated_from and t.updated_at < @rated_to) as bad
from ticket t
where t.account_id is not null
group by t.account_id
order by t.account_id;

-- What timelines tell of tickets: that one was opened, and that it was solved. A key tells the
-- two apart, twice the ticket's number and one more where it was solved, so that of one instant
-- the end comes before the beginning, as all that is later does.
-- name: TicketMomentsOfAccounts :many
select k.account_id::bigint as of_id, m.ticket_id, m.solved, m.at, m.key
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  (
    select o.ticket_id, false as solved, o.opened_at as at, 2 * o.ticket_id as key
    from ticket o
    where o.account_id = k.account_id
      and o.opened_at >= @since::timestamptz
      and o.opened_at <= @before_at::timestamptz
      and (o.opened_at, 2 * o.ticket_id) < (@before_at, @before_key::bigint)
    order by o.opened_at desc, o.ticket_id desc
    limit @most
  )
  union all
  (
    select o.ticket_id, true, o.solved_at, 2 * o.ticket_id + 1
    from ticket o
    where o.account_id = k.account_id
      and o.solved_at >= @since
      and o.solved_at <= @before_at
      and (o.solved_at, 2 * o.ticket_id + 1) < (@before_at, @before_key)
    order by o.solved_at desc, o.ticket_id desc
    limit @most
  )
  order by 3 desc, 4 desc
  limit @most
) m
order by k.account_id, m.at desc, m.key desc;

-- name: TicketMomentsOfPersons :many
select k.person_id::bigint as of_id, m.ticket_id, m.solved, m.at, m.key
from unnest(@person_ids::bigint[]) as k (person_id)
cross join lateral (
  (
    select o.ticket_id, false as solved, o.opened_at as at, 2 * o.ticket_id as key
    from identity i
    join ticket o on o.identity_id = i.identity_id
    where i.person_id = k.person_id
      and o.opened_at >= @since::timestamptz
      and o.opened_at <= @before_at::timestamptz
      and (o.opened_at, 2 * o.ticket_id) < (@before_at, @before_key::bigint)
    order by o.opened_at desc, o.ticket_id desc
    limit @most
  )
  union all
  (
    select o.ticket_id, true, o.solved_at, 2 * o.ticket_id + 1
    from identity i
    join ticket o on o.identity_id = i.identity_id
    where i.person_id = k.person_id
      and o.solved_at >= @since
      and o.solved_at <= @before_at
      and (o.solved_at, 2 * o.ticket_id + 1) < (@before_at, @before_key)
    order by o.solved_at desc, o.ticket_id desc
    limit @most
  )
  order by 3 desc, 4 desc
  limit @most
) m
order by k.person_id, m.at desc, m.key desc;
