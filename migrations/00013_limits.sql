-- What a tenant may spend, where it is less than the installation lets everybody.
-- +goose Up
create table tenant_limit (
  tenant_id        uuid        primary key default current_tenant() references tenant,
  -- Null: as the installation has it. What the installation allows bounds all of them when
  -- they are read, so lowering it counts at once.
  read_per_minute  integer     check (read_per_minute > 0),
  write_per_minute integer     check (write_per_minute > 0),
  burst_seconds    integer     check (burst_seconds > 0),
  off_peak_percent integer     check (off_peak_percent >= 100),
  caller_percent   integer     check (caller_percent between 1 and 100),
  set_at           timestamptz not null default now()
);
call isolate_tenants('tenant_limit');
grant select, insert, update on tenant_limit to tidemark_app;

-- Followed: servers and live queries know the limits of a tenant.
alter publication tidemark add table tenant_limit (tenant_id);

-- +goose Down
alter publication tidemark drop table tenant_limit;
drop table tenant_limit;
