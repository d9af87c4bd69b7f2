-- Reports: queries that a tenant keeps, and lets others see.
-- +goose Up
create table report (
  tenant_id  uuid        not null default current_tenant() references tenant,
  report_id  uuid        not null,
  name       text        not null check (length(name) between 1 and 200),
  -- A GraphQL document with one query. What it may ask for was checked when it was saved, and
  -- is again whenever it is run.
  document   text        not null check (length(document) <= 20000),
  variables  jsonb       not null default '{}' check (jsonb_typeof(variables) = 'object'),
  saved_by   uuid        not null, -- the key or the login
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  removed_at timestamptz,
  primary key (tenant_id, report_id)
);
call isolate_tenants('report');
grant select, insert, update (name, document, variables, saved_by, updated_at, removed_at) on report to tidemark_app;
-- Who sees some rows alone runs reports as well, over those.
grant select on report to tidemark_narrow;
create policy narrowed on report for select to tidemark_narrow
  using (tenant_id = current_tenant());

-- That one tenant lets another see a report, for as long as it has not ended.
create table report_share (
  tenant_id      uuid        not null default current_tenant() references tenant,
  share_id       uuid        not null,
  report_id      uuid        not null,
  grantee_id     uuid        not null references tenant (tenant_id),
  -- To what events the figures are narrowed, as access.NewRows writes it; null: to none.
  row_conditions jsonb       check (jsonb_typeof(row_conditions) = 'object'),
  shared_by      uuid        not null,
  shared_at      timestamptz not null default now(),
  ended_at       timestamptz,
  primary key (tenant_id, share_id),
  foreign key (tenant_id, report_id) references report,
  check (grantee_id <> tenant_id)
);
call isolate_tenants('report_share');
grant select, insert, update (ended_at) on report_share to tidemark_app;
-- Unique: a report is shared with a tenant once at a time.
create unique index report_share_grantee on report_share (tenant_id, report_id, grantee_id) where ended_at is null;
-- Not led by the tenant: what do others share with this one?
create index report_share_received on report_share (grantee_id, share_id) where ended_at is null;

-- What others share with the tenant of the transaction. The tables show a tenant its own rows
-- alone; this shows, of another's, a report that was granted, and the other's name.
create schema shared;
grant usage on schema shared to tidemark_app;
grant usage, create on schema shared to tidemark_worker;
create view shared.report_received with (security_barrier = true) as
select s.share_id, s.tenant_id as owner_id, t.name as shared_by, s.report_id, r.name, r.document, r.variables, s.row_conditions, s.shared_at
from report_share s
join report r on r.tenant_id = s.tenant_id and r.report_id = s.report_id
join tenant t on t.tenant_id = s.tenant_id
where s.grantee_id = current_tenant()
  and s.ended_at is null
  and r.removed_at is null
  and t.suspended_at is null;
alter view shared.report_received owner to tidemark_worker;
revoke create on schema shared from tidemark_worker;
set local role tidemark_worker;
grant select on shared.report_received to tidemark_app;
reset role;

alter publication tidemark add table
  report (tenant_id, report_id),
  report_share (tenant_id, share_id, grantee_id);

-- +goose Down
alter publication tidemark drop table report, report_share;
drop schema shared cascade;
drop table report_share, report;
