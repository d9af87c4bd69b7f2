-- What corrects who is who, and the line that each correction leaves.
-- +goose Up
create type correction_kind as enum ('MERGE', 'UNDO_MERGE', 'DETACH', 'REATTACH', 'ERASE');

-- Written with the correction itself, and never changed by the app.
create table identity_correction (
  tenant_id     uuid            not null default current_tenant(),
  correction_id uuid            not null,
  kind          correction_kind not null,
  identity_ids  bigint[]        not null, -- numbers only: an erased person's tell nothing
  reason        text            not null check (length(reason) <= 500),
  made_by       uuid            not null, -- the key
  made_at       timestamptz     not null default now(),
  primary key (tenant_id, correction_id)
);
call isolate_tenants('identity_correction');
grant select, insert on identity_correction to tidemark_app;

-- B-tree: the list of merges, the latest first.
create index person_merge_made on person_merge (tenant_id, made_at, merge_id);
-- Partial: detached ids are few, and whoever erases their user has to find them.
create index identity_detached on identity (tenant_id, linked_to) where detached;

-- Followed: whose an identity is, what is known of it, and where it belongs. Only the keys:
-- what stands in a profile is nobody's business on the way.
alter publication tidemark add table
  identity (tenant_id, identity_id, person_id),
  profile (tenant_id, subject, subject_id),
  account (tenant_id, account_id),
  membership (tenant_id, account_id, identity_id),
  person_merge (tenant_id, merge_id);

-- When the person was forgotten, and when the last of their events left the database. The
-- archive follows on its own.
alter table erasure
  add column forgotten_at     timestamptz,
  add column database_done_at timestamptz;
-- Partial: those that are under way are few.
create index erasure_running on erasure (requested_at) where database_done_at is null;
create index erasure_begun on erasure (tenant_id, erasure_id) where forgotten_at is null;
alter publication tidemark add table erasure (tenant_id, erasure_id);

-- +goose Down
alter publication tidemark drop table identity, profile, account, membership, person_merge, erasure;
drop index erasure_running, erasure_begun;
alter table erasure drop column forgotten_at, drop column database_done_at;
drop index identity_detached, person_merge_made;
drop table identity_correction;
drop type correction_kind;
