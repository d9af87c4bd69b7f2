-- What timelines are put together from, for several customers in one statement each, and when
-- customers were last seen. A page begins before an instant and a number; since bounds it below.
-- name: TimelineEvents :many
select coalesce(e.of_id, 0)::bigint as of_id, e.occurred_at::timestamptz as occurred_at, e.event_id
from timeline_events(
  @subject::profile_subject, @ids::bigint[], @types::text[], @since::timestamptz, @before_at::timestamptz, @before_id::bigint,
  @most::int, @looks::int) e;

-- For who sees some rows alone: events are read from the latest on, and no more than looks of
-- those that are seen. What is looked through ends with the last of these.
-- name: NarrowedTimelineEvents :many
with seen as materialized (
  select e.occurred_at, e.event_id, e.type, e.identity_id, e.group_type, e.group_id
  from event e
  where e.occurred_at >= @since::timestamptz
    and e.occurred_at <= @before_at::timestamptz
    and (e.occurred_at, e.event_id) < (@before_at, @before_id::bigint)
  order by e.occurred_at desc, e.event_id desc
  limit @looks
)
select k.of_id::bigint as of_id,
  coalesce(s.occurred_at, 'epoch')::timestamptz as occurred_at, coalesce(s.event_id, 0)::bigint as event_id, -- 0: none
  (select count(*) from seen)::bigint as looked,
  coalesce((select min(o.occurred_at) from seen o), 'epoch')::timestamptz as reached
from unnest(@ids::bigint[]) as k (of_id)
left join lateral (
  select n.occurred_at, n.event_id
  from seen n
  where n.type not in ('$identify', '$group', '$alias')
    and (@types::text[] is null or n.type = any (@types::text[]))
    and case @subject::profile_subject
      when 'person' then exists (
        select from narrowed.identity_person i where i.identity_id = n.identity_id and i.person_id = k.of_id
      )
      else exists (
        select from account a where a.account_id = k.of_id and a.group_type = n.group_type and a.group_id = n.group_id
      )
    end
  order by n.occurred_at desc, n.event_id desc
  limit @most
) s on true
order by k.of_id, s.occurred_at desc, s.event_id desc;

-- name: TimelineMovements :many
select k.account_id::bigint as of_id, m.movement_id, m.at
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select o.movement_id, o.at
  from mrr_movement o
  where o.account_id = k.account_id
    and o.at >= @since::timestamptz
    and o.at <= @before_at::timestamptz
    and (o.at, o.movement_id) < (@before_at, @before_id::bigint)
    and o.superseded_at is null
    and o.shown_at <= now()
    and (o.hidden_at is null or o.hidden_at > now())
  group by o.movement_id, o.at
  having sum(o.amount) <> 0
  order by o.at desc, o.movement_id desc
  limit @most
) m
order by k.account_id, m.at desc, m.movement_id desc;

-- What was said of subscriptions, as it was said.
-- name: TimelineSubscriptions :many
select k.account_id::bigint as of_id, f.fact_id, f.occurred_at, f.subject_id, coalesce(f.body ->> 'status', '')::text as status
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select o.fact_id, o.occurred_at, o.subject_id, o.body
  from revenue_fact o
  where o.account_id = k.account_id
    and o.kind = 'SUBSCRIPTION'
    and o.occurred_at >= @since::timestamptz
    and (o.occurred_at, o.fact_id) < (@before_at::timestamptz, @before_id::bigint)
  order by o.occurred_at desc, o.fact_id desc
  limit @most
) f
order by k.account_id, f.occurred_at desc, f.fact_id desc;

-- name: TimelineInvoices :many
select k.account_id::bigint as of_id, i.invoice_id, i.issued_at
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select o.invoice_id, o.issued_at
  from invoice o
  where o.account_id = k.account_id
    and o.issued_at >= @since::timestamptz
    and (o.issued_at, o.invoice_id) < (@before_at::timestamptz, @before_id::bigint)
  order by o.issued_at desc, o.invoice_id desc
  limit @most
) i
order by k.account_id, i.issued_at desc, i.invoice_id desc;

-- name: TimelinePayments :many
select k.account_id::bigint as of_id, p.payment_id, p.occurred_at
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select o.payment_id, o.occurred_at
  from payment o
  where o.account_id = k.account_id
    and o.occurred_at >= @since::timestamptz
    and (o.occurred_at, o.payment_id) < (@before_at::timestamptz, @before_id::bigint)
  order by o.occurred_at desc, o.payment_id desc
  limit @most
) p
order by k.account_id, p.occurred_at desc, p.payment_id desc;

-- Merges, and those that were undone once more. They are made by hand, and so few that all are
-- looked through.
-- name: TimelineMerges :many
select k.person_id::bigint as of_id, m.merge_id, m.at::timestamptz as at, m.undone::boolean as undone
from unnest(@person_ids::bigint[]) as k (person_id)
cross join lateral (
  select distinct o.merge_id, o.at, o.undone
  from identity i
  join (
    select merge_id, from_id, into_id, made_at as at, false as undone
    from person_merge
    union all
    select merge_id, from_id, into_id, undone_at, true
    from person_merge
    where undone_at is not null
  ) o on i.identity_id in (o.from_id, o.into_id)
  where i.person_id = k.person_id
    and o.at >= @since::timestamptz
    and (o.at, o.merge_id) < (@before_at::timestamptz, @before_id::uuid)
  order by o.at desc, o.merge_id desc, o.undone desc
  limit @most
) m
order by k.person_id, m.at desc, m.merge_id desc;

-- name: CustomerUsageList :many
select coalesce(u.of_id, 0)::bigint as of_id, u.type, coalesce(u.n, 0)::bigint as n, u.last_at, u.reached
from customer_usage(@subject::profile_subject, @ids::bigint[], @since::timestamptz, @before::timestamptz, @looks::int) u
order by u.of_id, u.n desc, u.type;

-- The start of the last quarter hour in which persons were there.
-- name: PersonLastSeen :many
select k.person_id::bigint as person_id, s.slots[1]::timestamptz as at
from unnest(@person_ids::bigint[]) as k (person_id)
cross join lateral customer_slots(
  'person', k.person_id, '-infinity', 'infinity', (select t.zone from tenant t), 1, 1000000000) s
where cardinality(s.slots) > 0
order by k.person_id;

-- As in AccountPageByLastSeen.
-- name: AccountLastSeen :many
select x.account_id,
  (zone_day_start(x.last_day, (select t.zone from tenant t))
    + coalesce(max(length(rtrim(p.slots::text, '0')) - 1), 0) * interval '15 minutes')::timestamptz as at
from (
  select account_id, max(last_day)::date as last_day
  from membership
  where account_id = any (@account_ids::bigint[])
  group by account_id
) x
join membership m on m.account_id = x.account_id and m.last_day = x.last_day
left join presence p on p.day = m.last_day and p.identity_id = m.identity_id
group by x.account_id, x.last_day
order by x.account_id;
