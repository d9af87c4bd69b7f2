-- Tickets of support as they stood last. Who asked is kept by the identity that they were named
-- by, so that merges move nothing.
-- +goose Up
create sequence ticket_id_seq;
grant usage on sequence ticket_id_seq to tidemark_app, tidemark_worker;

create table ticket (
  tenant_id        uuid        not null default current_tenant(),
  ticket_id        bigint      not null default nextval('ticket_id_seq'),
  source           text        not null,
  external_id      text        not null,
  identity_id      bigint, -- who asked, as far as that is known
  account_id       bigint, -- on whose behalf
  subject          text check (length(subject) <= 500),
  url              text,
  status           text        not null check (status in ('OPEN', 'PENDING', 'ON_HOLD', 'SOLVED', 'CLOSED')),
  priority         text check (priority in ('LOW', 'NORMAL', 'HIGH', 'URGENT')),
  channel          text,
  rating           text check (rating in ('GOOD', 'BAD')),
  opened_at        timestamptz not null,
  first_replied_at timestamptz check (first_replied_at >= opened_at),
  solved_at        timestamptz check (solved_at >= opened_at),
  updated_at       timestamptz not null check (updated_at >= opened_at), -- of what was said last, which the rest is
  fingerprint      bigint      not null, -- of what was said last
  primary key (tenant_id, ticket_id),
  check (identity_id is not null or account_id is not null)
);
call isolate_tenants('ticket');
grant select, insert, update on ticket to tidemark_app;
create unique index ticket_external on ticket (tenant_id, source, external_id);
-- B-tree: those of an account, and of an identity, the latest opened first; and the latest solved.
create index ticket_account on ticket (tenant_id, account_id, opened_at, ticket_id);
create index ticket_identity on ticket (tenant_id, identity_id, opened_at, ticket_id);
create index ticket_account_solved on ticket (tenant_id, account_id, solved_at, ticket_id) where solved_at is not null;
create index ticket_identity_solved on ticket (tenant_id, identity_id, solved_at, ticket_id) where solved_at is not null;

-- The planner is to know nothing of tenants (see identity).
alter table ticket alter column tenant_id set statistics 0;

-- Followed: that a ticket has changed, and nothing of what it says.
alter publication tidemark add table ticket (tenant_id, ticket_id);

-- +goose Down
alter publication tidemark drop table ticket;
drop table ticket;
drop sequence ticket_id_seq;
