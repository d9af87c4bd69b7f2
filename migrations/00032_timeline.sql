-- How events of one customer are found. They have no index by person, for which every batch would
-- pay; but presence tells in which quarter hours somebody was there, and only the events of those
-- are read.
-- +goose Up
-- +goose StatementBegin
-- When a day begins in a zone: with the first instant that it has. Counted from an hour before, as
-- a midnight may come twice.
create function zone_day_start(day date, zone text) returns timestamptz
  language sql stable parallel safe
  return least(
    day::timestamp at time zone zone,
    ((day::timestamp - interval '1 hour') at time zone zone) + interval '1 hour');

-- The quarter hours in which somebody was there, the latest first: a person, or those who did
-- something for an account until that day or later. No more than are asked for, and with no more
-- looks at presence than allowed but those of one day; where it stops for one of the two, reached
-- says how far back all of them are there.
create function customer_slots(
  of profile_subject, id bigint, since timestamptz, before timestamptz, zone text, most integer, looks integer,
  out slots timestamptz[], out reached timestamptz)
  language plpgsql stable set search_path = pg_catalog, public
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  newest date;
  oldest date;
  step   integer := 1;
  seen   record;
  place  integer;
  starts timestamptz;
begin
  slots := '{}';
  newest := least(before, now() + interval '25 hours') at time zone zone;
  if of = 'person' then
    select min(i.first_seen_day) into oldest from identity i where i.person_id = id;
  else
    select min((m.first_at at time zone zone)::date) - 1, least(max(m.last_day), newest) into oldest, newest
    from membership m where m.account_id = id;
  end if;
  if oldest is null or newest is null then
    return; -- nobody was ever there
  end if;
  oldest := greatest(oldest, (since at time zone zone)::date);
  while newest >= oldest loop
    for seen in
      select p.day, bit_or(p.slots) as slots, count(*) as n
      from generate_series(0, least(step - 1, newest - oldest)) g (back)
      cross join lateral (
        select i.identity_id from identity i where of = 'person' and i.person_id = id
        union all
        select m.identity_id from membership m where of = 'account' and m.account_id = id and m.last_day >= newest - g.back
      ) w
      cross join lateral (
        select o.day, o.slots from presence o where o.day = newest - g.back and o.identity_id = w.identity_id limit 1
      ) p
      group by p.day
      order by p.day desc
    loop
      place := length(rtrim(seen.slots::text, '0')) - 1;
      while place >= 0 loop
        starts := zone_day_start(seen.day, zone) + place * interval '15 minutes';
        if get_bit(seen.slots, place) = 1 and starts <= before then
          if cardinality(slots) = most then
            reached := slots[most];
            return;
          end if;
          slots := slots || starts;
        end if;
        place := place - 1;
      end loop;
    end loop;
    looks := looks - step * greatest(1, (
      case of
        when 'person' then (select count(*) from identity i where i.person_id = id)
        else (select count(*) from membership m where m.account_id = id and m.last_day >= newest - step + 1)
      end));
    newest := newest - step;
    if looks <= 0 and newest >= oldest then
      reached := zone_day_start(newest + 1, zone);
      return;
    end if;
    step := least(2 * step, 32);
  end loop;
end $$;

-- A page of the events of each of several customers, the latest first, and without those that say
-- who somebody is, which are no activity. Where there was too much to look through, a row without
-- an event says how far back it got.
create function timeline_events(
  of profile_subject, ids bigint[], types text[], since timestamptz, before_at timestamptz, before_id bigint, most integer, looks integer)
  returns table (of_id bigint, occurred_at timestamptz, event_id bigint)
  language plpgsql stable set search_path = pg_catalog, public
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  home    text := (select t.zone from tenant t);
  visits  timestamptz[];
  reached timestamptz;
  slot    timestamptz;
  persons bigint[];
  kind    text;
  called  text;
  left_   integer;
  found_  record;
begin
  foreach of_id in array ids loop
    persons := array(select i.identity_id from identity i where of = 'person' and i.person_id = of_id);
    select a.group_type, a.group_id into kind, called from account a where of = 'account' and a.account_id = of_id;
    select s.slots, s.reached into visits, reached
    from customer_slots(of, of_id, since, before_at, home, greatest(8, looks / 50), looks) s;
    left_ := most;
    foreach slot in array visits loop
      exit when slot + interval '15 minutes' <= since or left_ = 0;
      for found_ in
        select e.occurred_at as at, e.event_id as number
        from event e
        where e.occurred_at >= greatest(slot, since)
          and e.occurred_at < slot + interval '15 minutes'
          and (e.occurred_at, e.event_id) < (timeline_events.before_at, timeline_events.before_id)
          and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
          and (timeline_events.types is null or e.type = any (timeline_events.types))
          and case of when 'person' then e.identity_id = any (persons) else e.group_type = kind and e.group_id = called end
        order by e.occurred_at desc, e.event_id desc
        limit left_
      loop
        occurred_at := found_.at;
        event_id := found_.number;
        left_ := left_ - 1;
        return next;
      end loop;
    end loop;
    if left_ > 0 and reached is not null then
      occurred_at := reached;
      event_id := null;
      return next;
    end if;
  end loop;
end $$;

-- How often each of several customers did what, and when last; as far back as reached, where there
-- was too much to look through.
create function customer_usage(of profile_subject, ids bigint[], since timestamptz, before timestamptz, looks integer)
  returns table (of_id bigint, type text, n bigint, last_at timestamptz, reached timestamptz)
  language plpgsql stable set search_path = pg_catalog, public
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  home    text := (select t.zone from tenant t);
  visits  timestamptz[];
  persons bigint[];
  kind    text;
  called  text;
begin
  foreach of_id in array ids loop
    persons := array(select i.identity_id from identity i where of = 'person' and i.person_id = of_id);
    select a.group_type, a.group_id into kind, called from account a where of = 'account' and a.account_id = of_id;
    select s.slots, s.reached into visits, reached
    from customer_slots(of, of_id, since, before, home, greatest(8, looks / 50), looks) s;
    type := null;
    n := 0;
    last_at := null;
    return next; -- what it got back to, also of whoever did nothing
    return query
      select customer_usage.of_id, e.type, count(*), max(e.occurred_at), customer_usage.reached
      from unnest(visits) v (slot)
      cross join lateral (
        select o.type, o.occurred_at
        from event o
        where o.occurred_at >= greatest(v.slot, since)
          and o.occurred_at < least(v.slot + interval '15 minutes', before)
          and o.type not in ('$identify', '$group', '$alias')
          and case of when 'person' then o.identity_id = any (persons) else o.group_type = kind and o.group_id = called end
      ) e
      group by e.type;
  end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop function customer_usage, timeline_events, customer_slots, zone_day_start;
