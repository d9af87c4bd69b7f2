-- Keys with fewer permissions than their kind, that expire, follow each other, are for
-- browsers or sign embed tokens; and what a tenant says of itself: currency and branding.
-- +goose Up
alter type api_key_kind add value if not exists 'publish';
alter type api_key_kind add value if not exists 'embed';

alter table api_key
  -- Names of permissions, fewer than the kind has; null: those of the kind.
  add column permissions    text[],
  -- Of a publishable key: the pages that may send with it; empty: any.
  add column origins        text[]      not null default '{}',
  -- Of an embed key: what its tokens are verified with, sealed for this row.
  add column sealed_secret  bytea,
  add column expires_at     timestamptz,
  add column revoked_reason text        check (length(revoked_reason) between 1 and 500),
  -- The key that this one follows.
  add column rotates        uuid,
  -- The login, or the key, that made it; null: the operator.
  add column created_by     uuid,
  add constraint api_key_rotates foreign key (tenant_id, rotates) references api_key,
  -- As text, since a transaction cannot use the values that it has added.
  add constraint api_key_sealed check ((kind::text = 'embed') = (sealed_secret is not null)),
  add constraint api_key_origins check (kind::text = 'publish' or origins = '{}');

-- A key is followed by one other.
create unique index api_key_successor on api_key (tenant_id, rotates) where rotates is not null;

-- All, and not the living alone: whoever comes with a key that has ended is told apart, for
-- the audit, from whoever guesses.
drop index api_key_hash;
create unique index api_key_hash on api_key (hash);

-- An embed token names its key, and by it the tenant is learnt; of other kinds it opens none.
create policy embed_key on api_key for select to tidemark_app
  using (sealed_secret is not null and api_key_id = nullif(current_setting('app.embed_key_id', true), '')::uuid);
-- Not led by the tenant, as above. Partial: no other kind is looked for so.
create index api_key_embed on api_key (api_key_id) where sealed_secret is not null;

-- Keys are made and ended by the role that signs people in: what answers queries can't.
call admit_access('api_key');
grant select on api_key to tidemark_access;
grant insert (
  tenant_id, api_key_id, kind, name, source, hash, prefix, permissions, origins, sealed_secret, expires_at, rotates, created_by
) on api_key to tidemark_access;
grant update (expires_at, revoked_at, revoked_reason) on api_key to tidemark_access;

-- Beside the keys, so that noting a use is no change of the key, at which all who are
-- connected with it would be asked about.
create table api_key_use (
  tenant_id  uuid        not null default current_tenant() references tenant,
  api_key_id uuid        not null,
  used_at    timestamptz not null,
  -- The network alone: who exactly it was is nobody's business here.
  network    cidr,
  primary key (tenant_id, api_key_id),
  foreign key (tenant_id, api_key_id) references api_key
);
call isolate_tenants('api_key_use');
call admit_access('api_key_use');
grant select on api_key_use to tidemark_app;
grant select, insert, update on api_key_use to tidemark_access;

-- When a use outside of a key's pattern was last put into the audit, so that it is put there
-- once an hour, however often it is tried.
create table api_key_misuse (
  tenant_id  uuid        not null default current_tenant() references tenant,
  api_key_id uuid        not null,
  reason     text        not null,
  told_at    timestamptz not null default now(),
  primary key (tenant_id, api_key_id, reason),
  foreign key (tenant_id, api_key_id) references api_key
);
call isolate_tenants('api_key_misuse');
call admit_access('api_key_misuse');
grant select, insert, update on api_key_misuse to tidemark_access;
grant select on api_key_misuse to tidemark_app; -- as in every table of tenants, under its row security

-- Hashes and sealed secrets don't travel: a change of a key is told by its id.
alter publication tidemark drop table api_key;
alter publication tidemark add table api_key (tenant_id, api_key_id), api_key_use (tenant_id, api_key_id);

alter table tenant
  -- ISO 4217: in what money is told.
  add column currency text not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
  -- What dashboards put before others look like; null: as Tidemark's own.
  add column app_name text check (length(app_name) between 1 and 100),
  add column logo_url text check (length(logo_url) <= 2000 and logo_url ~ '^https://'),
  add column accent   text check (accent ~ '^#[0-9a-f]{6}$');
grant update (name, zone, week_start, currency, app_name, logo_url, accent) on tenant to tidemark_app;

-- +goose Down
revoke update (name, zone, week_start, currency, app_name, logo_url, accent) on tenant from tidemark_app;
alter table tenant drop column accent, drop column logo_url, drop column app_name, drop column currency;
alter publication tidemark drop table api_key, api_key_use;
alter publication tidemark add table api_key;
drop table api_key_misuse;
drop table api_key_use;
revoke all on api_key from tidemark_access;
drop policy access_tenant on api_key;
drop index api_key_embed;
drop policy embed_key on api_key;
drop index api_key_hash;
-- The values of an enum stay; what has them must not live on as something else.
update api_key set revoked_at = now() where kind::text in ('publish', 'embed') and revoked_at is null;
create unique index api_key_hash on api_key (hash) where revoked_at is null;
drop index api_key_successor;
alter table api_key
  drop constraint api_key_origins, drop constraint api_key_sealed, drop constraint api_key_rotates,
  drop column created_by, drop column rotates, drop column revoked_reason, drop column expires_at,
  drop column sealed_secret, drop column origins, drop column permissions;
