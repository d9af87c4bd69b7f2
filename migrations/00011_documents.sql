-- Which documents of GraphQL a tenant's callers may run, and the answers of mutations that
-- came with an idempotency key.
-- +goose Up
create type document_mode as enum ('OPEN', 'TRUSTED_ONLY');
alter table tenant add column document_mode document_mode not null default 'OPEN';
grant update (document_mode) on tenant to tidemark_app;

-- A text never changes: its hash is its name. One that is retired stays for a while, so that
-- a list can show it, and comes back when it is registered again.
create table trusted_document (
  tenant_id  uuid        not null default current_tenant() references tenant,
  hash       bytea       not null check (length(hash) = 32), -- SHA-256 of the body
  name       text        not null check (length(name) <= 200),
  body       text        not null check (octet_length(body) between 1 and 65536),
  created_at timestamptz not null default now(),
  created_by uuid        not null, -- the key or the login
  retired_at timestamptz,
  primary key (tenant_id, hash)
);
call isolate_tenants('trusted_document');
grant select, insert, update (name, created_at, created_by, retired_at) on trusted_document to tidemark_app;

-- B-tree: the list, the newest first.
create index trusted_document_created on trusted_document (tenant_id, created_at, hash);
-- Partial: what the worker forgets; over all tenants.
create index trusted_document_retired on trusted_document (retired_at) where retired_at is not null;
-- Followed: that documents have changed, by their hashes.
alter publication tidemark add table trusted_document (tenant_id, hash);

-- A row is a claim first, and an answer later. What serves tenants takes nothing away, so a
-- claim that is given up ends by its lease.
create table idempotency_key (
  tenant_id     uuid        not null default current_tenant() references tenant,
  slot          uuid        not null, -- 16 bytes of SHA-256 over the caller and the key
  fingerprint   bytea       not null check (length(fingerprint) = 32), -- of what was asked, and with which rights
  claim_id      uuid        not null, -- whoever holds another one has been replaced
  leased_until  timestamptz not null,
  -- Sealed, since an answer may show a key or a token once. Null with answered_at: it was
  -- too large to keep.
  sealed_answer bytea,
  answered_at   timestamptz,
  created_at    timestamptz not null default now(),
  primary key (tenant_id, slot)
);
call isolate_tenants('idempotency_key');
grant select, insert, update on idempotency_key to tidemark_app;
-- B-tree: expiry, over all tenants.
create index idempotency_key_created on idempotency_key (created_at);

-- +goose Down
drop table idempotency_key;
alter publication tidemark drop table trusted_document;
drop table trusted_document;
alter table tenant drop column document_mode;
drop type document_mode;
