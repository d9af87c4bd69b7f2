-- Who is who. What was a person becomes an identity: one id that senders use, of a user or of
-- a device. A person is a group of identities, named by the one at its root. Nothing that
-- groups them is lost in the grouping, so that each step can be taken back.
-- +goose Up
-- What is written is checked against the tenant, and as a subquery the tenant is worked out
-- once a statement: as a plain call it is a tenth of the cost of storing an event.
-- +goose StatementBegin
create or replace procedure isolate_tenants(target regclass)
  language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format(
    'create policy one_tenant on %s to tidemark_app
       using (tenant_id = current_tenant()) with check (tenant_id = (select current_tenant()))', target);
  execute format(
    'create policy all_tenants on %s to tidemark_worker using (true) with check (true)', target);
  execute format('grant select, insert, update, delete on %s to tidemark_worker', target);
end $$;

do $$
declare
  target text;
begin
  foreach target in array array['message', 'event', 'person', 'presence', 'event_rollup', 'day_version'] loop
    execute format('alter policy one_tenant on %I with check (tenant_id = (select current_tenant()))', target);
  end loop;
end $$;
-- +goose StatementEnd

drop view closed_day;
drop materialized view materialized.day_total;

alter sequence person_id_seq rename to identity_id_seq;
alter table person rename to identity;
alter table identity rename constraint person_pkey to identity_pkey;
alter table identity rename column person_id to identity_id;
alter index person_distinct rename to identity_distinct;
drop index person_first_seen;

alter table identity
  alter column first_seen_at drop not null, -- by its own activity; null: none yet
  alter column day drop not null,
  add column first_seen_day date,
  -- The identity at the root of its group: whose it is.
  add column person_id bigint,
  -- Of the whole person, on the root only: when first seen, and the day of that.
  add column born_at timestamptz,
  -- Of an anonymous id: the user that the earliest event with both names, and that event.
  add column linked_to bigint,
  add column linked_at timestamptz,
  add column linked_by uuid,
  -- Kept apart by hand, whatever it is linked to.
  add column detached boolean not null default false;
comment on column identity.day is 'of born_at, in the tenant''s zone: the day that the person counts as new';

alter table presence rename column person_id to identity_id;
alter table presence add column person_id bigint;
alter table event rename column person_id to identity_id;
alter table event
  add column group_type text,
  add column group_id   text; -- the account on whose behalf it was done

-- The owner is under row security itself; the worker sees all tenants.
set local role tidemark_worker;
update identity set person_id = identity_id, first_seen_day = day, born_at = first_seen_at;
update presence set person_id = identity_id;
reset role;

alter table identity
  alter column person_id set not null,
  add check ((first_seen_at is null) = (first_seen_day is null)),
  add check ((born_at is null) = (day is null)),
  add check (born_at is null or person_id = identity_id),
  add check ((linked_to is null) = (linked_at is null) and (linked_to is null) = (linked_by is null));
alter table presence alter column person_id set not null;
-- Partial: the new users of any range, in any zone.
create index identity_born on identity (tenant_id, born_at) where born_at is not null;
-- B-tree: the identities of a person.
create index identity_person on identity (tenant_id, person_id);

-- A day that nobody was born on has nothing to renumber.
-- +goose StatementBegin
create or replace function day_version_bump() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  if tg_op = 'INSERT' then
    insert into day_version (tenant_id, day, version)
    select c.tenant_id, c.day, nextval('day_version_seq')
    from (select distinct tenant_id, day from now_rows where day is not null order by 1, 2) c
    on conflict (tenant_id, day) do update set version = excluded.version;
  elsif tg_op = 'UPDATE' then
    insert into day_version (tenant_id, day, version)
    select c.tenant_id, c.day, nextval('day_version_seq')
    from (
      select tenant_id, day from now_rows where day is not null
      union
      select tenant_id, day from was_rows where day is not null
      order by 1, 2
    ) c
    on conflict (tenant_id, day) do update set version = excluded.version;
  else
    insert into day_version (tenant_id, day, version)
    select c.tenant_id, c.day, nextval('day_version_seq')
    from (select distinct tenant_id, day from was_rows where day is not null order by 1, 2) c
    on conflict (tenant_id, day) do update set version = excluded.version;
  end if;
  return null;
end $$;
-- +goose StatementEnd

create materialized view materialized.day_total as
select
  v.tenant_id,
  v.day,
  v.version,
  coalesce(e.events, 0)::bigint as events,
  coalesce(a.users, 0)::bigint  as active_users,
  coalesce(n.users, 0)::bigint  as new_users
from day_version v
join closing c on c.tenant_id = v.tenant_id and v.day < c.closed_before
left join (
  select tenant_id, day, sum(count)::bigint as events
  from event_rollup
  group by tenant_id, day
) e on e.tenant_id = v.tenant_id and e.day = v.day
left join (
  select tenant_id, day, count(distinct person_id) as users
  from presence
  group by tenant_id, day
) a on a.tenant_id = v.tenant_id and a.day = v.day
left join (
  select tenant_id, day, count(*) as users
  from identity
  where day is not null
  group by tenant_id, day
) n on n.tenant_id = v.tenant_id and n.day = v.day;
create unique index day_total_key on materialized.day_total (tenant_id, day);
alter materialized view materialized.day_total owner to tidemark_worker;
-- +goose StatementBegin
do $$ begin
  execute format('grant select on materialized.day_total to %I', current_user);
end $$;
-- +goose StatementEnd
create view closed_day with (security_barrier = true) as
select tenant_id, day, version, events, active_users, new_users
from materialized.day_total
where tenant_id = current_tenant();
grant select on closed_day to tidemark_app;

-- Two known users that someone has said are one. An edge from root to root, so a forest.
create table person_merge (
  tenant_id uuid        not null default current_tenant(),
  merge_id  uuid        not null,
  from_id   bigint      not null,
  into_id   bigint      not null check (into_id <> from_id),
  reason    text        not null check (length(reason) between 1 and 500),
  made_by   uuid        not null, -- the key
  made_at   timestamptz not null default now(),
  undone_by uuid,
  undone_at timestamptz,
  primary key (tenant_id, merge_id),
  check ((undone_by is null) = (undone_at is null))
);
call isolate_tenants('person_merge');
grant select, insert, update (undone_by, undone_at) on person_merge to tidemark_app;
-- Partial: a root has one parent at a time.
create unique index person_merge_from on person_merge (tenant_id, from_id) where undone_at is null;

create type profile_subject as enum ('person', 'account');

-- What has been said of a person's identity, or of an account. A trait's latest value counts,
-- by the time it was said; one that was said once counts where nothing else was said.
create table profile (
  tenant_id  uuid            not null default current_tenant(),
  subject    profile_subject not null,
  subject_id bigint          not null,
  traits     jsonb           not null default '{}',
  said_at    jsonb           not null default '{}', -- of each trait, in microseconds of the epoch
  once       jsonb           not null default '{}',
  once_at    jsonb           not null default '{}',
  updated_at timestamptz     not null,
  primary key (tenant_id, subject, subject_id)
);
call isolate_tenants('profile');
grant select, insert, update on profile to tidemark_app;

create table trait_change (
  tenant_id   uuid            not null default current_tenant(),
  subject     profile_subject not null,
  subject_id  bigint          not null,
  said_at     timestamptz     not null,
  name        text            not null,
  message_key uuid            not null,
  value       jsonb           not null,
  primary key (tenant_id, subject, subject_id, said_at, name, message_key)
);
call isolate_tenants('trait_change');
grant select, insert on trait_change to tidemark_app;

create sequence account_id_seq;
grant usage on sequence account_id_seq to tidemark_app, tidemark_worker;

-- Whom the users belong to: what senders call a group.
create table account (
  tenant_id     uuid        not null default current_tenant(),
  account_id    bigint      not null default nextval('account_id_seq'),
  group_type    text        not null,
  group_id      text        not null,
  first_seen_at timestamptz not null,
  primary key (tenant_id, account_id)
);
call isolate_tenants('account');
grant select, insert, update on account to tidemark_app;
create unique index account_group on account (tenant_id, group_type, group_id);

create table membership (
  tenant_id   uuid        not null default current_tenant(),
  account_id  bigint      not null,
  identity_id bigint      not null,
  first_at    timestamptz not null,
  -- A day, not an instant: else every event would write it.
  last_day    date        not null,
  primary key (tenant_id, account_id, identity_id)
);
call isolate_tenants('membership');
grant select, insert, update on membership to tidemark_app;
-- B-tree: the accounts of an identity.
create index membership_identity on membership (tenant_id, identity_id);

-- The shape in which events are staged. Each session that writes makes a temporary table of
-- this name, which hides this one: COPY can fill it, since row security is for the tables
-- that last. This one stays empty: nobody may write it.
create table event_incoming (
  occurred_at  timestamptz not null,
  received_at  timestamptz not null,
  type         text        not null,
  identity_id  bigint,
  user_id      text,
  anonymous_id text,
  group_type   text,
  group_id     text,
  source       text        not null,
  message_id   text        not null,
  claimed_at   timestamptz,
  properties   jsonb       not null,
  context      jsonb       not null
);
grant select on event_incoming to tidemark_app; -- to copy the shape

-- +goose StatementBegin
create function event_stage_make() returns void
  language plpgsql as $$
begin
  create temporary table event_incoming (like public.event_incoming including all) on commit delete rows;
end $$;
-- +goose StatementEnd

-- The planner is to know nothing of tenants: of one that is new it would think that it has no
-- rows at all, and then read all of them for want of a better plan. Without statistics each
-- has a two-hundredth of a table, and so the whole of a key is always better than its head.
-- +goose StatementBegin
do $$
declare
  target text;
begin
  foreach target in array array[
    'message', 'event', 'identity', 'presence', 'event_rollup', 'day_version',
    'person_merge', 'profile', 'trait_change', 'account', 'membership'
  ] loop
    execute format('alter table %I alter column tenant_id set statistics 0', target);
  end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop function event_stage_make;
drop table event_incoming, membership, account, trait_change, profile, person_merge;
drop sequence account_id_seq;
drop type profile_subject;
drop view closed_day;
drop materialized view materialized.day_total;
drop index identity_born, identity_person;
set local role tidemark_worker;
-- Without groups every identity is a person of its own again; one never active is none.
delete from identity where first_seen_at is null;
update identity set day = first_seen_day;
reset role;
alter table identity
  drop column first_seen_day, drop column person_id, drop column born_at, drop column linked_to,
  drop column linked_at, drop column linked_by, drop column detached,
  alter column first_seen_at set not null, alter column day set not null;
alter table identity rename column identity_id to person_id;
alter table identity rename constraint identity_pkey to person_pkey;
alter table identity rename to person;
alter index identity_distinct rename to person_distinct;
create index person_first_seen on person (tenant_id, first_seen_at);
alter sequence identity_id_seq rename to person_id_seq;
alter table presence drop column person_id;
alter table presence rename column identity_id to person_id;
alter table event drop column group_type, drop column group_id;
alter table event rename column identity_id to person_id;
create materialized view materialized.day_total as
select
  v.tenant_id,
  v.day,
  v.version,
  coalesce(e.events, 0)::bigint as events,
  coalesce(a.users, 0)::bigint  as active_users,
  coalesce(n.users, 0)::bigint  as new_users
from day_version v
join closing c on c.tenant_id = v.tenant_id and v.day < c.closed_before
left join (
  select tenant_id, day, sum(count)::bigint as events from event_rollup group by tenant_id, day
) e on e.tenant_id = v.tenant_id and e.day = v.day
left join (
  select tenant_id, day, count(*) as users from presence group by tenant_id, day
) a on a.tenant_id = v.tenant_id and a.day = v.day
left join (
  select tenant_id, day, count(*) as users from person group by tenant_id, day
) n on n.tenant_id = v.tenant_id and n.day = v.day;
create unique index day_total_key on materialized.day_total (tenant_id, day);
alter materialized view materialized.day_total owner to tidemark_worker;
create view closed_day with (security_barrier = true) as
select tenant_id, day, version, events, active_users, new_users
from materialized.day_total
where tenant_id = current_tenant();
grant select on closed_day to tidemark_app;
