-- Metrics that a tenant defines itself.
-- +goose Up

-- A key that the tenant has given, and its latest version. Without removed_at it can be asked for.
create table metric_definition (
  tenant_id  uuid        not null default current_tenant() references tenant,
  key        text        not null check (key ~ '^[a-z][a-z0-9_]{0,59}$'),
  version    int         not null check (version > 0),
  created_at timestamptz not null default now(),
  removed_at timestamptz,
  primary key (tenant_id, key)
);
call isolate_tenants('metric_definition');
alter table metric_definition alter column tenant_id set statistics 0;
grant select, insert, update (version, removed_at) on metric_definition to tidemark_app;

-- Every version that was ever saved. It held from saved_at until ended_at; without that it holds.
create table metric_definition_version (
  tenant_id  uuid        not null default current_tenant(),
  key        text        not null,
  version    int         not null check (version > 0),
  definition jsonb       not null check (jsonb_typeof(definition) = 'object'),
  uses       text[]      not null, -- the metrics that its formula is made of
  saved_at   timestamptz not null,
  ended_at   timestamptz check (ended_at >= saved_at),
  saved_by   uuid        not null, -- the key or the login
  -- The metric whose change made this version, of one that is made of it; null: its own.
  because    text,
  primary key (tenant_id, key, version),
  foreign key (tenant_id, key) references metric_definition
);
call isolate_tenants('metric_definition_version');
alter table metric_definition_version alter column tenant_id set statistics 0;
grant select, insert, update (ended_at) on metric_definition_version to tidemark_app;
-- Who sees some rows alone asks for the same metrics, over those.
grant select on metric_definition_version to tidemark_narrow;
create policy narrowed on metric_definition_version for select to tidemark_narrow
  using (tenant_id = current_tenant());

-- Each version that is saved or ended touches its key.
alter publication tidemark add table metric_definition (tenant_id, key);

-- Answers that were kept hold until a definition changes.
call count_changes('metric_definition', 'metric');

-- +goose Down
alter publication tidemark drop table metric_definition;
drop table metric_definition_version, metric_definition;
