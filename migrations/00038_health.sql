-- Health: what counts for how well accounts do, what they come to, and how that changed.
-- +goose Up
create type health_state as enum ('WAITING', 'RUNNING', 'DONE', 'FAILED');
create type health_band as enum ('AT_RISK', 'NEUTRAL', 'HEALTHY');
create type health_cause as enum ('DATA', 'MODEL', 'OVERRIDE');

create table health_model (
  tenant_id     uuid         not null default current_tenant() references tenant,
  version       int          not null default 1,
  inputs        jsonb        not null check (jsonb_typeof(inputs) = 'array'),
  changed_at    timestamptz  not null default now(),
  changed_by    uuid         not null, -- the key or the login
  -- The calculation that waits, runs, or was the last one.
  state         health_state not null default 'WAITING',
  -- How often it was begun. Whoever began it last may end it, and nobody else.
  attempt       int          not null default 0,
  failures      int          not null default 0, -- in a row
  -- When it is to be begun, or taken over from whoever has not been heard of.
  due_at        timestamptz  not null default now(),
  inputs_done   int          not null default 0,
  error         text, -- why the last attempt failed
  -- As it was calculated last: by which version, and of which instant.
  found_by      int,
  calculated_at timestamptz,
  accounts      int,
  complete      boolean,
  -- When time alone changes a score; and the revisions of what they were calculated from.
  moves_at      timestamptz,
  basis         jsonb        not null default '{}',
  primary key (tenant_id)
);
call isolate_tenants('health_model');
grant select, insert, update on health_model to tidemark_app;

-- What accounts come to now, in tenths; null: nothing is known that counts.
create table health_score (
  tenant_id     uuid        not null default current_tenant(),
  account_id    bigint      not null,
  calculated    smallint    check (calculated between 0 and 1000),
  -- What counts: what was calculated, or an override.
  score         smallint    check (score between 0 and 1000),
  band          health_band generated always as (
    case
      when score < 505 then 'AT_RISK'::health_band
      when score < 755 then 'NEUTRAL'::health_band
      when score is not null then 'HEALTHY'::health_band
    end
  ) stored,
  inputs        jsonb       not null check (jsonb_typeof(inputs) = 'array'), -- what each adds
  changed_at    timestamptz not null, -- since when it is so
  primary key (tenant_id, account_id)
) with (fillfactor = 80);
call isolate_tenants('health_score');
grant select, insert, update on health_score to tidemark_app;

-- What accounts came to: a row for each day of the tenant's zone on which that became another.
create table health_day (
  tenant_id  uuid     not null default current_tenant(),
  account_id bigint   not null,
  day        date     not null,
  score      smallint, -- at the end of the day
  primary key (tenant_id, account_id, day)
);
call isolate_tenants('health_day');
grant select, insert, update on health_day to tidemark_app;

-- Each time that an account came into another band.
create sequence health_change_id_seq;
grant usage on sequence health_change_id_seq to tidemark_app, tidemark_worker;
create table health_change (
  tenant_id  uuid         not null default current_tenant(),
  change_id  bigint       not null default nextval('health_change_id_seq'),
  account_id bigint       not null,
  at         timestamptz  not null,
  was        health_band, -- null: it had none
  band       health_band, -- null: it has none any more
  score      smallint,
  cause      health_cause not null,
  primary key (tenant_id, change_id),
  check (was is distinct from band)
);
call isolate_tenants('health_change');
grant select, insert on health_change to tidemark_app;
-- B-tree: of an account, the latest first.
create index health_change_account on health_change (tenant_id, account_id, at, change_id);
-- B-tree: of all accounts, the latest first.
create index health_change_at on health_change (tenant_id, at, change_id);

-- What people say instead of what was calculated. The last one of an account holds, until it ends.
create table health_override (
  tenant_id   uuid        not null default current_tenant(),
  override_id uuid        not null,
  account_id  bigint      not null,
  score       smallint    not null check (score between 0 and 1000),
  reason      text        not null check (length(reason) between 1 and 1000),
  set_at      timestamptz not null default now(),
  set_by      uuid        not null,
  expires_at  timestamptz not null check (expires_at > set_at),
  ended_at    timestamptz,
  primary key (tenant_id, override_id)
);
call isolate_tenants('health_override');
grant select, insert, update (ended_at) on health_override to tidemark_app;
-- Unique and partial: an account has one at a time.
create unique index health_override_open on health_override (tenant_id, account_id) where ended_at is null;

-- The planner is to know nothing of tenants (see identity).
alter table health_model alter column tenant_id set statistics 0;
alter table health_score alter column tenant_id set statistics 0;
alter table health_day alter column tenant_id set statistics 0;
alter table health_change alter column tenant_id set statistics 0;
alter table health_override alter column tenant_id set statistics 0;

-- Followed: of whom something has changed.
alter publication tidemark add table
  health_model (tenant_id, version),
  health_score (tenant_id, account_id),
  health_change (tenant_id, change_id, account_id),
  health_override (tenant_id, override_id, account_id);

-- What cohorts are found from, and what scores are.
call count_changes('health_score', 'health');
call count_changes('invoice', 'invoice');
call count_changes('ticket', 'ticket');

-- +goose Down
drop trigger count_inserts on ticket;
drop trigger count_updates on ticket;
drop trigger count_deletes on ticket;
drop trigger count_inserts on invoice;
drop trigger count_updates on invoice;
drop trigger count_deletes on invoice;
alter publication tidemark drop table health_model, health_score, health_change, health_override;
drop table health_override, health_change, health_day, health_score, health_model;
drop sequence health_change_id_seq;
drop type health_cause, health_band, health_state;
