-- What came in, and what was counted of it. All of it changes in one transaction.
-- +goose Up
create sequence event_id_seq; -- without a cache: a session with one would hand out old numbers
create sequence person_id_seq cache 64;
create sequence day_version_seq;
grant usage on sequence event_id_seq, person_id_seq, day_version_seq to tidemark_app, tidemark_worker;

-- Which messages have been taken, so that none is taken twice.
create table message (
  tenant_id   uuid        not null default current_tenant(),
  -- The first 16 bytes of SHA-256 over source and message id: short, and of one length.
  message_key uuid        not null,
  -- Tells the same message from another one under its id.
  fingerprint bigint      not null,
  received_at timestamptz not null default now(),
  primary key (tenant_id, message_key)
);
call isolate_tenants('message');
grant select, insert on message to tidemark_app;
-- BRIN: rows lie in order of arrival, and expiry reads only the oldest.
create index message_received on message using brin (received_at);

create table event (
  tenant_id    uuid        not null default current_tenant(),
  occurred_at  timestamptz not null,
  -- Rises with arrival, which decides between equal instants.
  event_id     bigint      not null default nextval('event_id_seq'),
  received_at  timestamptz not null default now(),
  type         text        not null,
  -- Null: nobody did it, as far as the sender knew.
  person_id    bigint,
  user_id      text,
  anonymous_id text,
  source       text        not null,
  message_id   text        not null,
  -- What the sender's clock said, where it was too far ahead to be believed.
  claimed_at   timestamptz,
  properties   jsonb       not null,
  context      jsonb       not null,
  -- B-tree: a tenant's events of a range in order of time, for lists, the ranges that do
  -- not end on a quarter hour, and recounts.
  primary key (tenant_id, occurred_at, event_id)
) partition by range (occurred_at);
call isolate_tenants('event');
grant select, insert on event to tidemark_app;
-- BRIN: arrival is nearly the order on disk; it finds what came since an instant.
create index event_received on event using brin (received_at);

-- Makes the partition of a month if it is missing. It runs with the owner's rights, since
-- the app owns nothing, and so it takes nothing but a month within bounds.
-- +goose StatementBegin
create function event_partition_ensure(month date) returns boolean
  language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  first date := date_trunc('month', month)::date;
  name  text := 'event_' || to_char(first, 'YYYYMM');
begin
  if first < '2000-01-01' or first > now() + interval '1 year' then
    raise exception 'no partition for %', first using errcode = 'check_violation';
  end if;
  perform pg_advisory_xact_lock(hashtext('event_partition_ensure'));
  if to_regclass('public.' || name) is not null then
    return false;
  end if;
  -- Made apart and then attached: attaching locks out neither readers nor writers.
  execute format('create table public.%I (like public.event including defaults including constraints)', name);
  -- Nobody is granted the partition itself; this holds if somebody ever is.
  execute format('alter table public.%I enable row level security', name);
  execute format('alter table public.%I force row level security', name);
  execute format(
    'alter table public.event attach partition public.%I for values from (%L) to (%L)',
    name, first::timestamp at time zone 'UTC', (first + interval '1 month') at time zone 'UTC');
  return true;
end $$;
-- +goose StatementEnd
revoke execute on function event_partition_ensure from public;
grant execute on function event_partition_ensure to tidemark_app, tidemark_worker;

-- Who has been seen, and when first.
create table person (
  tenant_id     uuid        not null default current_tenant(),
  person_id     bigint      not null default nextval('person_id_seq'),
  -- A user id and an anonymous id of the same spelling are two.
  anonymous     boolean     not null,
  distinct_id   text        not null,
  first_seen_at timestamptz not null,
  day           date        not null, -- of first_seen_at, in the tenant's zone
  primary key (tenant_id, person_id)
);
call isolate_tenants('person');
grant select, insert, update on person to tidemark_app;
create unique index person_distinct on person (tenant_id, anonymous, distinct_id);
-- Composite: the new users of any range, in any zone.
create index person_first_seen on person (tenant_id, first_seen_at);

-- Who was there on which day of the tenant's zone, and in which quarter hours of it.
create table presence (
  tenant_id uuid     not null default current_tenant(),
  day       date     not null,
  person_id bigint   not null,
  -- Bit i is the i-th quarter hour from the start of the day. With it uniques of other
  -- zones, and of hours, are exact without the events. 128 are room for a day of 32 hours.
  slots     bit(128) not null,
  primary key (tenant_id, day, person_id)
) with (fillfactor = 85); -- room to set another bit in place
call isolate_tenants('presence');
grant select, insert, update on presence to tidemark_app;

-- How many events of a type there were in each quarter hour.
create table event_rollup (
  tenant_id uuid        not null default current_tenant(),
  at        timestamptz not null check (extract(epoch from at)::bigint % 900 = 0),
  type      text        not null,
  day       date        not null, -- of the tenant's zone
  count     bigint      not null,
  -- B-tree: all types of a range.
  primary key (tenant_id, at, type)
) with (fillfactor = 70); -- the open quarter hours are written again and again
call isolate_tenants('event_rollup');
grant select, insert, update on event_rollup to tidemark_app;
-- Composite: one type over a long range.
create index event_rollup_type on event_rollup (tenant_id, type, at);

-- One number a day that changes whenever anything counted in that day changes. What was
-- materialized under another number is out of date.
create table day_version (
  tenant_id uuid   not null default current_tenant(),
  day       date   not null,
  version   bigint not null, -- from a sequence, so that none comes twice
  primary key (tenant_id, day)
) with (fillfactor = 50);
call isolate_tenants('day_version');
grant select, insert, update on day_version to tidemark_app;

-- The triggers give a day its new number, whoever writes: the ingest, a connector or psql.
-- Days are taken in order, so that two writers don't wait for each other in a circle.
-- +goose StatementBegin
create function day_version_bump() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  if tg_op = 'INSERT' then
    insert into day_version (tenant_id, day, version)
    select c.tenant_id, c.day, nextval('day_version_seq')
    from (select distinct tenant_id, day from now_rows order by 1, 2) c
    on conflict (tenant_id, day) do update set version = excluded.version;
  elsif tg_op = 'UPDATE' then
    insert into day_version (tenant_id, day, version)
    select c.tenant_id, c.day, nextval('day_version_seq')
    from (select tenant_id, day from now_rows union select tenant_id, day from was_rows order by 1, 2) c
    on conflict (tenant_id, day) do update set version = excluded.version;
  else
    insert into day_version (tenant_id, day, version)
    select c.tenant_id, c.day, nextval('day_version_seq')
    from (select distinct tenant_id, day from was_rows order by 1, 2) c
    on conflict (tenant_id, day) do update set version = excluded.version;
  end if;
  return null;
end $$;

do $$
declare
  target text;
begin
  foreach target in array array['event_rollup', 'presence', 'person'] loop
    execute format('create trigger bump_on_insert after insert on %I
      referencing new table as now_rows for each statement execute function day_version_bump()', target);
    execute format('create trigger bump_on_update after update on %I
      referencing old table as was_rows new table as now_rows for each statement execute function day_version_bump()', target);
    execute format('create trigger bump_on_delete after delete on %I
      referencing old table as was_rows for each statement execute function day_version_bump()', target);
  end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop table day_version, event_rollup, presence, person, event, message;
drop function event_partition_ensure, day_version_bump;
drop sequence event_id_seq, person_id_seq, day_version_seq;
