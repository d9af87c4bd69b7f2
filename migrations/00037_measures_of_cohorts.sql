-- Figures of events by the members of cohorts: what 00024 made, with cohorts beside it.
-- +goose Up
-- The members now, by person, for whoever reads figures: who sees some rows alone shares the
-- statements, and is refused before it comes to these.
grant create on schema narrowed to tidemark_worker;
create view narrowed.cohort_person with (security_barrier = true) as
select m.tenant_id, m.cohort_id, i.person_id
from cohort_member m
join identity i on i.tenant_id = m.tenant_id and i.identity_id = m.identity_id
where m.tenant_id = current_tenant() and m.left_at is null;
alter view narrowed.cohort_person owner to tidemark_worker;
revoke create on schema narrowed from tidemark_worker;
set local role tidemark_worker;
grant select on narrowed.cohort_person to tidemark_app, tidemark_narrow;
reset role;

drop function measured_event, measured_key;

-- What an event is told by, as text: one of its own columns, or what a path leads to in one
-- of the documents about it. Null where there is nothing, or a null.
create function measured_key(
  kind text, path jsonpath, type text, source text, account text,
  properties jsonb, context jsonb, person_traits jsonb, account_traits jsonb, members jsonb
) returns text
  language sql immutable parallel safe
  return case kind
    when 'TYPE' then type
    when 'SOURCE' then source
    when 'ACCOUNT' then account
    else jsonb_path_query_first(
      case kind
        when 'PROPERTY' then properties
        when 'CONTEXT' then context
        when 'USER_TRAIT' then person_traits
        when 'ACCOUNT_TRAIT' then account_traits
        when 'COHORT' then members
      end, path, '{}', true) #>> '{}'
  end;

-- The events that something is measured of, one row each. It is a part of the statements that
-- call it: the planner puts it into them, and leaves out what they have no use for.
--   edges, places   where stretches of time begin, and the bucket of each; -1: none
--   types           null: all; activity: only what somebody did, as in event.IsActivity
--   as_of           null: all that is known now
--   of_properties, of_all  conditions, as SQL/JSON paths over the properties, and over
--                   a document of the parts that are named
--   kinds, paths    what to tell events by: up to three
--   number_path     the property whose number counts
--   people, trait_names, accounts  whether persons, these traits of theirs, and traits of
--                   accounts are wanted
--   cohorts         those whose members now are to be told from all others; null: none
create function measured_event(
  range_from timestamptz, range_to timestamptz, edges timestamptz[], places int[],
  types text[], activity boolean, as_of timestamptz,
  of_properties text, of_all text, parts text[],
  kinds text[], paths text[], number_path text,
  people boolean, trait_names text[], accounts boolean, cohorts bigint[] default null
) returns table (
  bucket int, keys text[], person_id bigint, group_type text, group_id text, number numeric,
  occurred_at timestamptz, event_id bigint
)
  language sql stable parallel safe as $$
  with was as (
    select distinct on (p.identity_id) p.identity_id, p.person_id
    from narrowed.identity_past p
    where p.until > as_of
    order by p.identity_id, p.until
  ),
  -- The traits of whoever occurs, as in identity.Merged: of each what was said last under any
  -- of their ids, else what was said once, first.
  trait as (
    select s.person_id, jsonb_object_agg(s.name, s.value) as traits
    from (
      select distinct on (o.person_id, n.name) o.person_id, n.name, said.value
      from (
        select distinct i.person_id
        from event e
        join narrowed.identity_person i on i.identity_id = e.identity_id
        where e.occurred_at >= range_from and e.occurred_at < range_to
          and (types is null or e.type = any (types))
      ) seen
      join identity o on o.person_id = seen.person_id
      join profile p on p.subject = 'person' and p.subject_id = o.identity_id
      cross join unnest(trait_names) as n (name)
      cross join lateral (
        select p.traits -> n.name as value, false as once, (p.said_at ->> n.name)::bigint as at
        where p.traits ? n.name
        union all
        select p.once -> n.name, true, -(p.once_at ->> n.name)::bigint
        where p.once ? n.name
      ) said
      where trait_names is not null
      order by o.person_id, n.name, said.once, said.at desc,
        case when said.once then said.value::text end collate "C",
        said.value::text collate "C" desc
    ) s
    group by s.person_id
  ),
  -- Of whoever is in one of the cohorts now, in which of them.
  held as (
    select p.person_id, jsonb_object_agg(k.id::text, k.id = any (p.held)) as members
    from (
      select c.person_id, array_agg(c.cohort_id) as held
      from narrowed.cohort_person c
      where c.cohort_id = any (cohorts)
      group by c.person_id
    ) p
    cross join unnest(cohorts) as k (id)
    group by p.person_id
  )
  select
    nullif(places[width_bucket(e.occurred_at, edges)], -1),
    case
      when kinds is null then '{}'
      else array[
        measured_key(kinds[1], (select paths[1]::jsonpath), e.type, e.source, account_name(e.group_type, e.group_id), e.properties, e.context, t.traits, a.traits, v.members),
        measured_key(kinds[2], (select paths[2]::jsonpath), e.type, e.source, account_name(e.group_type, e.group_id), e.properties, e.context, t.traits, a.traits, v.members),
        measured_key(kinds[3], (select paths[3]::jsonpath), e.type, e.source, account_name(e.group_type, e.group_id), e.properties, e.context, t.traits, a.traits, v.members)
      ]
    end,
    case when i.person_id is not null then coalesce(was.person_id, i.person_id) end,
    e.group_type,
    e.group_id,
    case jsonb_typeof(v.value) when 'number' then v.value::numeric end,
    e.occurred_at,
    e.event_id
  from event e
  left join (
    select p.identity_id, p.person_id
    from narrowed.identity_person p
    where people or trait_names is not null or cohorts is not null
  ) i on i.identity_id = e.identity_id
  left join was on was.identity_id = e.identity_id
  left join trait t on t.person_id = i.person_id
  left join (
    select g.group_type, g.group_id, p.once || p.traits as traits
    from account g
    join profile p on p.subject = 'account' and p.subject_id = g.account_id
    where accounts
  ) a on a.group_type = e.group_type and a.group_id = e.group_id
  left join held h on h.person_id = i.person_id
  cross join lateral (
    select
      case when number_path is not null then jsonb_path_query_first(e.properties, (select number_path::jsonpath), '{}', true) end as value,
      -- Of nobody it cannot be told.
      case when cohorts is not null and i.person_id is not null then coalesce(
        h.members,
        (select jsonb_object_agg(k.id::text, false) from unnest(cohorts) as k (id))
      ) end as members
  ) v
  where e.occurred_at >= range_from and e.occurred_at < range_to
    and (types is null or e.type = any (types))
    and (not activity or e.type not in ('$identify', '$group', '$alias'))
    and (as_of is null or e.received_at <= as_of)
    and (of_properties is null or e.properties @@ (select of_properties::jsonpath))
    and (of_all is null or jsonb_build_object(
      'TYPE', e.type,
      'SOURCE', e.source,
      'ACCOUNT', account_name(e.group_type, e.group_id),
      'PROPERTY', case when 'PROPERTY' = any (parts) then e.properties end,
      'CONTEXT', case when 'CONTEXT' = any (parts) then e.context end,
      'USER_TRAIT', t.traits,
      'ACCOUNT_TRAIT', a.traits,
      'COHORT', v.members
    ) @@ (select of_all::jsonpath))
$$;

-- +goose Down
drop function measured_event, measured_key;
create function measured_key(
  kind text, path jsonpath, type text, source text, account text,
  properties jsonb, context jsonb, person_traits jsonb, account_traits jsonb
) returns text
  language sql immutable parallel safe
  return case kind
    when 'TYPE' then type
    when 'SOURCE' then source
    when 'ACCOUNT' then account
    else jsonb_path_query_first(
      case kind
        when 'PROPERTY' then properties
        when 'CONTEXT' then context
        when 'USER_TRAIT' then person_traits
        when 'ACCOUNT_TRAIT' then account_traits
      end, path, '{}', true) #>> '{}'
  end;

create function measured_event(
  range_from timestamptz, range_to timestamptz, edges timestamptz[], places int[],
  types text[], activity boolean, as_of timestamptz,
  of_properties text, of_all text, parts text[],
  kinds text[], paths text[], number_path text,
  people boolean, trait_names text[], accounts boolean
) returns table (
  bucket int, keys text[], person_id bigint, group_type text, group_id text, number numeric,
  occurred_at timestamptz, event_id bigint
)
  language sql stable parallel safe as $$
  with was as (
    select distinct on (p.identity_id) p.identity_id, p.person_id
    from narrowed.identity_past p
    where p.until > as_of
    order by p.identity_id, p.until
  ),
  -- The traits of whoever occurs, as in identity.Merged: of each what was said last under any
  -- of their ids, else what was said once, first.
  trait as (
    select s.person_id, jsonb_object_agg(s.name, s.value) as traits
    from (
      select distinct on (o.person_id, n.name) o.person_id, n.name, said.value
      from (
        select distinct i.person_id
        from event e
        join narrowed.identity_person i on i.identity_id = e.identity_id
        where e.occurred_at >= range_from and e.occurred_at < range_to
          and (types is null or e.type = any (types))
      ) seen
      join identity o on o.person_id = seen.person_id
      join profile p on p.subject = 'person' and p.subject_id = o.identity_id
      cross join unnest(trait_names) as n (name)
      cross join lateral (
        select p.traits -> n.name as value, false as once, (p.said_at ->> n.name)::bigint as at
        where p.traits ? n.name
        union all
        select p.once -> n.name, true, -(p.once_at ->> n.name)::bigint
        where p.once ? n.name
      ) said
      where trait_names is not null
      order by o.person_id, n.name, said.once, said.at desc,
        case when said.once then said.value::text end collate "C",
        said.value::text collate "C" desc
    ) s
    group by s.person_id
  )
  select
    nullif(places[width_bucket(e.occurred_at, edges)], -1),
    case
      when kinds is null then '{}'
      else array[
        measured_key(kinds[1], (select paths[1]::jsonpath), e.type, e.source, account_name(e.group_type, e.group_id), e.properties, e.context, t.traits, a.traits),
        measured_key(kinds[2], (select paths[2]::jsonpath), e.type, e.source, account_name(e.group_type, e.group_id), e.properties, e.context, t.traits, a.traits),
        measured_key(kinds[3], (select paths[3]::jsonpath), e.type, e.source, account_name(e.group_type, e.group_id), e.properties, e.context, t.traits, a.traits)
      ]
    end,
    case when i.person_id is not null then coalesce(was.person_id, i.person_id) end,
    e.group_type,
    e.group_id,
    case jsonb_typeof(v.value) when 'number' then v.value::numeric end,
    e.occurred_at,
    e.event_id
  from event e
  left join (
    select p.identity_id, p.person_id
    from narrowed.identity_person p
    where people or trait_names is not null
  ) i on i.identity_id = e.identity_id
  left join was on was.identity_id = e.identity_id
  left join trait t on t.person_id = i.person_id
  left join (
    select g.group_type, g.group_id, p.once || p.traits as traits
    from account g
    join profile p on p.subject = 'account' and p.subject_id = g.account_id
    where accounts
  ) a on a.group_type = e.group_type and a.group_id = e.group_id
  cross join lateral (
    select case when number_path is not null then jsonb_path_query_first(e.properties, (select number_path::jsonpath), '{}', true) end as value
  ) v
  where e.occurred_at >= range_from and e.occurred_at < range_to
    and (types is null or e.type = any (types))
    and (not activity or e.type not in ('$identify', '$group', '$alias'))
    and (as_of is null or e.received_at <= as_of)
    and (of_properties is null or e.properties @@ (select of_properties::jsonpath))
    and (of_all is null or jsonb_build_object(
      'TYPE', e.type,
      'SOURCE', e.source,
      'ACCOUNT', account_name(e.group_type, e.group_id),
      'PROPERTY', case when 'PROPERTY' = any (parts) then e.properties end,
      'CONTEXT', case when 'CONTEXT' = any (parts) then e.context end,
      'USER_TRAIT', t.traits,
      'ACCOUNT_TRAIT', a.traits
    ) @@ (select of_all::jsonpath))
$$;
drop view narrowed.cohort_person;
