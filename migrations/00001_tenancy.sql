-- Who may touch what. Three roles share the database:
--   the owner       runs migrations, and nothing else
--   tidemark_app    serves tenants: owns nothing, and sees one tenant a transaction
--   tidemark_worker keeps house over all tenants, and owns the materialized views
-- +goose Up
-- +goose StatementBegin
do $$
begin
  -- Roles belong to the cluster, so another database may have made them.
  if not exists (select from pg_roles where rolname = 'tidemark_app') then
    create role tidemark_app nologin nosuperuser nobypassrls;
  end if;
  if not exists (select from pg_roles where rolname = 'tidemark_worker') then
    create role tidemark_worker nologin nosuperuser nobypassrls;
  end if;
  -- Who is a member already may lack the right to grant, and needs none.
  if not (pg_has_role(current_user, 'tidemark_app', 'usage') and pg_has_role(current_user, 'tidemark_worker', 'usage')) then
    execute format('grant tidemark_app, tidemark_worker to %I', current_user);
  end if;
end $$;
-- +goose StatementEnd

-- Whoever starts looks here first: at which migration is the database?
grant select on goose_db_version to tidemark_app, tidemark_worker;

-- The tenant of the transaction. After a transaction the setting is '', not null.
-- Without a tenant it is null, and a comparison with null lets no row through.
-- +goose StatementBegin
create function current_tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.tenant_id', true), '')::uuid;
-- +goose StatementEnd

-- Puts a table under the rule of the house: forced row security, one tenant for the
-- app, all of them for the worker.
-- +goose StatementBegin
create procedure isolate_tenants(target regclass)
  language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format(
    'create policy one_tenant on %s to tidemark_app
       using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', target);
  execute format(
    'create policy all_tenants on %s to tidemark_worker using (true) with check (true)', target);
  execute format('grant select, insert, update, delete on %s to tidemark_worker', target);
end $$;
-- +goose StatementEnd

create table tenant (
  tenant_id  uuid        primary key,
  name       text        not null check (length(name) between 1 and 200),
  -- Days in presence and in the rollups are days of this zone: it does not change.
  zone       text        not null,
  week_start smallint    not null default 1 check (week_start between 0 and 6), -- Sunday is 0
  created_at timestamptz not null default now()
);
call isolate_tenants('tenant');
grant select on tenant to tidemark_app;

create type api_key_kind as enum ('write', 'read');

create table api_key (
  tenant_id  uuid         not null default current_tenant() references tenant,
  api_key_id uuid         not null,
  kind       api_key_kind not null,
  name       text         not null check (length(name) between 1 and 200),
  -- Message ids are unique within a source. Keys of one source can follow each other.
  source     text         not null default 'default' check (length(source) between 1 and 100),
  -- SHA-256 of the whole key. A key has 256 random bits, so no slow hash is needed.
  hash       bytea        not null check (length(hash) = 32),
  -- The first characters, for people to tell keys apart.
  prefix     text         not null,
  created_at timestamptz  not null default now(),
  revoked_at timestamptz,
  primary key (tenant_id, api_key_id)
);
call isolate_tenants('api_key');
grant select on api_key to tidemark_app;

-- Partial: signing in looks for living keys only. Not led by the tenant, since the key
-- is what tells the tenant.
create unique index api_key_hash on api_key (hash) where revoked_at is null;

-- A caller who holds a key sees that key's row, and by it learns the tenant.
create policy own_key on api_key for select to tidemark_app
  using (hash = decode(nullif(current_setting('app.key_hash', true), ''), 'hex'));

-- +goose Down
drop table api_key;
drop type api_key_kind;
drop table tenant;
drop procedure isolate_tenants;
drop function current_tenant;
