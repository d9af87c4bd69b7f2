-- Who looks after accounts and people, and what was noted of them. Of a person both stand with the
-- identity that they were said of, so that they follow it through merges and their undoing.
-- +goose Up
create table customer_owner (
  tenant_id  uuid            not null default current_tenant(),
  subject    profile_subject not null,
  subject_id bigint          not null,
  login_id   uuid, -- null: nobody, said so
  set_at     timestamptz     not null default now(),
  set_by     uuid            not null,
  primary key (tenant_id, subject, subject_id)
);
call isolate_tenants('customer_owner');
grant select, insert, update on customer_owner to tidemark_app;

create table customer_note (
  tenant_id  uuid            not null default current_tenant(),
  note_id    uuid            not null,
  subject    profile_subject not null,
  subject_id bigint          not null,
  body       text            not null check (length(body) <= 10000),
  created_at timestamptz     not null default now(),
  created_by uuid            not null,
  changed_at timestamptz,
  removed_at timestamptz check (removed_at is null or body = ''), -- what was removed says nothing
  primary key (tenant_id, note_id)
);
call isolate_tenants('customer_note');
grant select, insert, update (body, changed_at, removed_at) on customer_note to tidemark_app;
-- B-tree: the notes of somebody, the latest first.
create index customer_note_of on customer_note (tenant_id, subject, subject_id, created_at, note_id) where removed_at is null;

-- The planner is to know nothing of tenants (see identity).
alter table customer_owner alter column tenant_id set statistics 0;
alter table customer_note alter column tenant_id set statistics 0;

-- Followed: whose they are, and nothing of what they say.
alter publication tidemark add table
  customer_owner (tenant_id, subject, subject_id),
  customer_note (tenant_id, note_id, subject, subject_id);

-- +goose Down
alter publication tidemark drop table customer_owner, customer_note;
drop table customer_note, customer_owner;
