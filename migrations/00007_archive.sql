-- How long a tenant's raw events stay in the database, and where they are afterwards.
-- +goose Up
-- Whole months before the running one; null: for ever.
alter table tenant add column event_retention_months integer
  check (event_retention_months between 1 and 1200);
grant update (event_retention_months) on tenant to tidemark_app;

-- exporting: being written; nothing depends on it yet
-- verified:  read back and found whole; its events are still in the database as well
-- dropped:   its events are in the archive alone
-- restored:  its events have been brought back, and are in the archive as well
-- discarded: replaced or given up; its object is to be removed
create type archive_state as enum ('exporting', 'verified', 'dropped', 'restored', 'discarded');

-- Numbers are never used again, so every object is written once.
create sequence archive_part_seq;
grant usage on sequence archive_part_seq to tidemark_worker;

-- The manifest of the archive: a row for each object.
create table archive_part (
  tenant_id      uuid          not null default current_tenant() references tenant,
  month          date          not null check (extract(day from month) = 1), -- UTC
  part           bigint        not null default nextval('archive_part_seq'),
  path           text          not null,
  state          archive_state not null default 'exporting',
  -- What the object must be found to be, whenever it is read.
  events         bigint        not null default 0,
  bytes          bigint        not null default 0,
  sha256         bytea         not null default '',
  -- The sum of a 64-bit hash of each event, so it does not depend on their order.
  checksum       bigint        not null default 0,
  first_at       timestamptz,
  last_at        timestamptz,
  exported_at    timestamptz   not null default now(),
  verified_at    timestamptz,
  dropped_at     timestamptz,
  restored_at    timestamptz,
  -- Until then what was brought back stays. Set before the first event is brought back.
  restored_until timestamptz,
  primary key (tenant_id, month, part)
);
call isolate_tenants('archive_part');
grant select on archive_part to tidemark_app;
-- Partial: from when a tenant's raw events are all there, asked by every query.
create index archive_part_dropped on archive_part (tenant_id, month) where state = 'dropped';

-- That a person was erased, and how far: the line that stays. It has nothing of the person.
create table erasure (
  tenant_id       uuid        not null default current_tenant() references tenant,
  erasure_id      uuid        not null,
  requested_at    timestamptz not null default now(),
  requested_by    uuid, -- the key
  reason          text,
  identity_ids    bigint[]    not null,
  events_erased   bigint      not null default 0,
  archive_done_at timestamptz, -- null: parts of the archive may have them yet
  finished_at     timestamptz,
  primary key (tenant_id, erasure_id)
);
call isolate_tenants('erasure');
grant select, insert on erasure to tidemark_app;
-- Partial: those that the archive has yet to follow are few.
create index erasure_pending on erasure (tenant_id, requested_at) where archive_done_at is null;

-- Drops the partition of a month that is past and has no events left. Like its counterpart
-- it runs with the owner's rights and takes nothing but a month within bounds. It never
-- waits long, since everything that comes after it would wait as well: false means another
-- time. An event that is late for a dropped month makes the partition anew.
-- +goose StatementBegin
create function event_partition_drop(month date) returns boolean
  language plpgsql security definer set search_path = pg_catalog, public set lock_timeout = '300ms' as $$
declare
  first date := date_trunc('month', month)::date;
  name  text := 'event_' || to_char(first, 'YYYYMM');
  used  boolean;
begin
  if first < '2000-01-01' or first >= date_trunc('month', now() at time zone 'UTC') - interval '1 month' then
    raise exception 'the partition of % is not to be dropped', first using errcode = 'check_violation';
  end if;
  -- Whoever has just been told that the partition exists holds this lock.
  if not pg_try_advisory_xact_lock(hashtext('event_partition_ensure')) or to_regclass('public.' || name) is null then
    return false;
  end if;
  begin
    lock table only public.event in access exclusive mode;
    -- The owner is under row security like everyone, and would see no rows at all.
    execute format('alter table public.%I no force row level security', name);
    execute format('select exists (select from public.%I)', name) into used;
    if used then
      raise exception 'in use' using errcode = 'object_in_use';
    end if;
    execute format('drop table public.%I', name);
  exception when lock_not_available or object_in_use then
    return false;
  end;
  return true;
end $$;
-- +goose StatementEnd
revoke execute on function event_partition_drop from public;
grant execute on function event_partition_drop to tidemark_worker;

-- Where raw events are is part of what answers say.
alter publication tidemark add table archive_part;

-- +goose Down
alter publication tidemark drop table archive_part;
drop function event_partition_drop;
drop table erasure, archive_part;
drop sequence archive_part_seq;
drop type archive_state;
alter table tenant drop column event_retention_months;
