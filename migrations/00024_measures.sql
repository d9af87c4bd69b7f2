-- What figures of single events are read by: any event, told by anything that is known of it,
-- and whose it was at any instant.
-- +goose Up

-- Whose an identity was before it changed hands, so that figures can be told as they were
-- known. The future needs nothing of it: it is added to, and read for the past alone.
create table identity_past (
  tenant_id   uuid        not null default current_tenant(),
  -- When it changed hands: until then it was this person's.
  until       timestamptz not null,
  identity_id bigint      not null,
  person_id   bigint      not null,
  -- B-tree: all that has changed hands since an instant.
  primary key (tenant_id, until, identity_id)
);
call isolate_tenants('identity_past');
alter table identity_past alter column tenant_id set statistics 0;
grant select, insert on identity_past to tidemark_app;
-- B-tree: what is to be erased.
create index identity_past_identity on identity_past (tenant_id, identity_id);

-- An identity changes hands at the instant at which what caused it is said to have arrived.
-- Of several changes of one instant the first tells what was before.
-- +goose StatementBegin
create function identity_past_keep() returns trigger
  language plpgsql as $$
begin
  insert into identity_past (tenant_id, until, identity_id, person_id)
  values (
    old.tenant_id,
    coalesce(nullif(current_setting('app.turn_at', true), '')::timestamptz, clock_timestamp()),
    old.identity_id, old.person_id)
  on conflict do nothing;
  return null;
end $$;
-- +goose StatementEnd
create trigger keep_past after update of person_id on identity
  for each row when (old.person_id <> new.person_id) execute function identity_past_keep();

-- Who sees some rows alone counts people whom they may not see, by number; so the same
-- statements serve them and who sees all.
set local role tidemark_worker;
grant select on narrowed.identity_person to tidemark_app;
reset role;
create view narrowed.identity_past with (security_barrier = true) as
select tenant_id, until, identity_id, person_id
from identity_past
where tenant_id = current_tenant();
grant create on schema narrowed to tidemark_worker;
alter view narrowed.identity_past owner to tidemark_worker;
revoke create on schema narrowed from tidemark_worker;
set local role tidemark_worker;
grant select on narrowed.identity_past to tidemark_app, tidemark_narrow;
reset role;
grant usage on schema narrowed to tidemark_app;

-- An account by its name: the id alone where its sender knows one type of groups.
create function account_name(group_type text, group_id text) returns text
  language sql immutable parallel safe
  return case
    when group_type = 'account' and position(':' in group_id) = 0 then group_id
    else group_type || ':' || group_id
  end;

-- A number that fits where PostgreSQL would rather fail: too large is infinite, too small 0.
create function as_float(value numeric) returns double precision
  language sql immutable parallel safe
  return case
    when abs(value) > 1e308 then sign(value)::double precision * 'Infinity'::double precision
    when abs(value) < 1e-307 then 0
    else value::double precision
  end;

-- What an event is told by, as text: one of its own columns, or what a path leads to in one
-- of the documents about it. Null where there is nothing, or a null.
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

-- +goose Down
drop function measured_event, measured_key, as_float, account_name;
revoke usage on schema narrowed from tidemark_app;
set local role tidemark_worker;
revoke select on narrowed.identity_person from tidemark_app;
reset role;
drop view narrowed.identity_past;
drop trigger keep_past on identity;
drop function identity_past_keep;
drop table identity_past;
