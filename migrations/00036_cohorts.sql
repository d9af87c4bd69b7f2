-- Cohorts: who meets a condition, found again and again, and who ever did.
-- +goose Up
create sequence cohort_id_seq;
create sequence cohort_evaluation_id_seq;
grant usage on sequence cohort_id_seq, cohort_evaluation_id_seq to tidemark_app, tidemark_worker;

create type cohort_kind as enum ('DYNAMIC', 'STATIC');
create type cohort_evaluation_state as enum ('QUEUED', 'RUNNING', 'DONE', 'FAILED');
create type cohort_evaluation_reason as enum ('CREATED', 'CHANGED', 'ASKED', 'DATA');

create table cohort (
  tenant_id    uuid        not null default current_tenant() references tenant,
  cohort_id    bigint      not null default nextval('cohort_id_seq'),
  kind         cohort_kind not null,
  name         text        not null check (length(name) between 1 and 100),
  description  text        not null check (length(description) <= 1000),
  condition    jsonb       not null check (jsonb_typeof(condition) = 'object'),
  uses         bigint[]    not null, -- the cohorts that it asks for
  version      int         not null default 1, -- of the condition
  created_at   timestamptz not null default now(),
  created_by   uuid        not null, -- the key or the login
  changed_at   timestamptz not null default now(),
  removed_at   timestamptz,
  -- As it was found last: by which condition, when, and how many there were.
  found_by     int,
  evaluated_at timestamptz,
  size         bigint,
  -- When time alone changes who is in it; null: never.
  moves_at     timestamptz,
  -- The revisions of what it was found from: while they hold, nobody has entered or left.
  basis        jsonb       not null default '{}',
  primary key (tenant_id, cohort_id),
  check ((evaluated_at is null) = (size is null) and (evaluated_at is null) = (found_by is null))
);
call isolate_tenants('cohort');
alter table cohort alter column tenant_id set statistics 0;
grant select, insert, update (name, description, condition, uses, version, changed_at, removed_at) on cohort to tidemark_app;

-- Each time that a cohort is to be found, is being, or was.
create table cohort_evaluation (
  tenant_id     uuid                     not null default current_tenant() references tenant,
  evaluation_id bigint                   not null default nextval('cohort_evaluation_id_seq'),
  cohort_id     bigint                   not null,
  version       int                      not null, -- of the condition
  reason        cohort_evaluation_reason not null,
  state         cohort_evaluation_state  not null default 'QUEUED',
  requested_at  timestamptz              not null default now(),
  -- How often it was begun. Whoever began it last may end it, and nobody else.
  attempt       int                      not null default 0,
  -- When it is to be begun, or taken over from whoever has not been heard of.
  due_at        timestamptz              not null default now(),
  leaves        int                      not null,
  leaves_done   int                      not null default 0,
  -- The instant whose data it was found from.
  at            timestamptz,
  finished_at   timestamptz check ((finished_at is null) = (state in ('QUEUED', 'RUNNING'))),
  exact         boolean,
  size          bigint,
  entered       bigint,
  departed      bigint,
  error         text, -- why the last attempt failed
  primary key (tenant_id, evaluation_id),
  foreign key (tenant_id, cohort_id) references cohort
);
call isolate_tenants('cohort_evaluation');
alter table cohort_evaluation alter column tenant_id set statistics 0;
grant select, insert, update (version, reason, state, attempt, due_at, leaves, leaves_done, finished_at, error) on cohort_evaluation to tidemark_app;
-- Unique and partial: a cohort is found once at a time.
create unique index cohort_evaluation_open on cohort_evaluation (tenant_id, cohort_id) where state in ('QUEUED', 'RUNNING');
-- B-tree: a cohort's evaluations, the latest first.
create index cohort_evaluation_cohort on cohort_evaluation (tenant_id, cohort_id, evaluation_id);
-- Partial, and of all tenants: those that wait are few.
create index cohort_evaluation_due on cohort_evaluation (due_at) where state in ('QUEUED', 'RUNNING');

-- Who is in a cohort, and who was. The identity at the root of a person stands for them: whose
-- it is now says who that is, so that a merge and its undoing need nothing of it.
create table cohort_member (
  tenant_id   uuid        not null default current_tenant(),
  cohort_id   bigint      not null,
  identity_id bigint      not null,
  entered_at  timestamptz not null,
  left_at     timestamptz check (left_at > entered_at),
  primary key (tenant_id, cohort_id, identity_id, entered_at),
  foreign key (tenant_id, cohort_id) references cohort
);
call isolate_tenants('cohort_member');
alter table cohort_member alter column tenant_id set statistics 0;
grant select on cohort_member to tidemark_app;
-- Unique and partial: those who are in it, once each.
create unique index cohort_member_now on cohort_member (tenant_id, cohort_id, identity_id) where left_at is null;
-- B-tree: the cohorts of a person.
create index cohort_member_identity on cohort_member (tenant_id, identity_id);
-- B-tree: who entered and who left, the latest first.
create index cohort_member_entered on cohort_member (tenant_id, cohort_id, entered_at, identity_id);
create index cohort_member_left on cohort_member (tenant_id, cohort_id, left_at, identity_id) where left_at is not null;

-- Followed: cohorts as they are changed and found, and who is who.
alter publication tidemark add table
  cohort (tenant_id, cohort_id),
  cohort_evaluation (tenant_id, evaluation_id, cohort_id),
  identity_past (tenant_id, until, identity_id);

-- What answers depend on that tell of cohorts: whoever enters or leaves, the cohort was found.
call count_changes('cohort', 'cohort');
call count_changes('cohort_evaluation', 'cohort');
-- What cohorts are found from.
call count_changes('cohort_member', 'members');
call count_changes('identity_past', 'grouping');
call count_changes('profile', 'profile');
call count_changes('membership', 'membership');
call count_changes('subscription', 'revenue');
call count_changes('mrr_movement', 'revenue');
call count_changes('fx_rate', 'revenue');

-- +goose Down
-- +goose StatementBegin
do $$
declare
  target text;
begin
  foreach target in array array['identity_past', 'profile', 'membership', 'subscription', 'mrr_movement', 'fx_rate'] loop
    execute format('drop trigger count_inserts on %I', target);
    execute format('drop trigger count_updates on %I', target);
    execute format('drop trigger count_deletes on %I', target);
  end loop;
end $$;
-- +goose StatementEnd
alter publication tidemark drop table cohort, cohort_evaluation, identity_past;
drop table cohort_member, cohort_evaluation, cohort;
drop type cohort_evaluation_reason, cohort_evaluation_state, cohort_kind;
drop sequence cohort_evaluation_id_seq, cohort_id_seq;
