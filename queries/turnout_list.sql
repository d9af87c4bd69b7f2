-- Whom the lifecycle of users is told of, in the order of their numbers, and how many they are:
-- stretch 0 is the time before, and stretch 1 the cell. Returning are those of both, dormant
-- those of the first alone, and resurrecting those of the second alone who are not new in it.
-- There is always a row: one without a person tells of a page behind the last.
-- name: TurnoutList :many
with seen as materialized (
  select s.person_id, bool_or(s.stretch = 0) as before, bool_or(s.stretch = 1) as now
  from (
    select d.stretch, p.person_id
    from unnest(@day_stretches::int[], @days::date[]) as d (stretch, day)
    join presence p on p.day = d.day
    union all
    select m.stretch, p.person_id
    from unnest(@mask_stretches::int[], @mask_days::date[], @masks::text[]) as m (stretch, day, mask)
    join presence p on p.day = m.day and p.slots & m.mask::bit(128) <> 0::bit(128)
    union all
    select x.stretch, i.person_id
    from unnest(@raw_stretches::int[], @raw_starts::timestamptz[], @raw_ends::timestamptz[]) as x (stretch, starts, ends)
    join event e on e.occurred_at >= x.starts and e.occurred_at < x.ends
      and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
    join identity i on i.identity_id = e.identity_id
  ) s
  group by s.person_id
),
told as materialized (
  select s.person_id
  from seen s
  where case @kind::text
    when 'returning' then s.before and s.now
    when 'dormant' then s.before and not s.now
    when 'resurrecting' then s.now and not s.before and s.person_id not in (
      select i.identity_id
      from identity i
      where i.born_at >= @range_from::timestamptz and i.born_at < @range_to::timestamptz
    )
  end
)
select t.total::bigint as total, coalesce(p.person_id, 0)::bigint as person_id
from (select count(*) as total from told) t
left join lateral (
  select o.person_id
  from told o
  where o.person_id > @after::bigint
  order by o.person_id
  limit @most
) p on true
order by p.person_id;

-- The same of the events that are seen, for callers who see some rows alone: who did the first
-- of those in the cell is new there. Nothing is looked at from before "since".
-- name: NarrowedTurnoutList :many
with seen as materialized (
  select i.person_id,
    bool_or(e.occurred_at >= @before_from::timestamptz and e.occurred_at < @before_to::timestamptz) as before,
    bool_or(e.occurred_at >= @range_from::timestamptz) as now,
    bool_or(e.occurred_at < @range_from) as earlier
  from event e
  join narrowed.identity_person i on i.identity_id = e.identity_id
  where e.occurred_at >= @since::timestamptz
    and e.occurred_at < @range_to::timestamptz
    and e.type not in ('$identify', '$group', '$alias')
  group by i.person_id
),
told as materialized (
  select s.person_id
  from seen s
  where case @kind::text
    when 'returning' then s.before and s.now
    when 'dormant' then s.before and not s.now
    when 'resurrecting' then s.now and not s.before and s.earlier
  end
)
select t.total::bigint as total, coalesce(p.person_id, 0)::bigint as person_id
from (select count(*) as total from told) t
left join lateral (
  select o.person_id
  from told o
  where o.person_id > @after::bigint
  order by o.person_id
  limit @most
) p on true
order by p.person_id;
