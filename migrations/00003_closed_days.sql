-- The past, materialized. A view row is right as long as its version is the day's version;
-- whoever reads compares the two in one statement, and so no refresh can be torn or late.
-- +goose Up
create schema materialized;
grant usage, create on schema materialized to tidemark_worker;

-- Up to where a tenant's days are over, by its own zone. The worker moves it on.
create table closing (
  tenant_id     uuid        primary key references tenant,
  closed_before date        not null,
  closed_at     timestamptz not null default now()
);
call isolate_tenants('closing');
grant select on closing to tidemark_app;

create materialized view materialized.day_total as
select
  v.tenant_id,
  v.day,
  v.version,
  coalesce(e.events, 0)::bigint as events,
  coalesce(a.users, 0)::bigint  as active_users,
  coalesce(n.users, 0)::bigint  as new_users
from day_version v
join closing c on c.tenant_id = v.tenant_id and v.day < c.closed_before
left join (
  select tenant_id, day, sum(count)::bigint as events
  from event_rollup
  group by tenant_id, day
) e on e.tenant_id = v.tenant_id and e.day = v.day
left join (
  select tenant_id, day, count(*) as users
  from presence
  group by tenant_id, day
) a on a.tenant_id = v.tenant_id and a.day = v.day
left join (
  select tenant_id, day, count(*) as users
  from person
  group by tenant_id, day
) n on n.tenant_id = v.tenant_id and n.day = v.day;

-- Every closed day has a row here, so that a type without one is known to be 0.
create materialized view materialized.day_type as
select
  v.tenant_id,
  v.day,
  v.version,
  coalesce(e.type, '')          as type,
  coalesce(e.events, 0)::bigint as events
from day_version v
join closing c on c.tenant_id = v.tenant_id and v.day < c.closed_before
left join (
  select tenant_id, day, type, sum(count)::bigint as events
  from event_rollup
  group by tenant_id, day, type
) e on e.tenant_id = v.tenant_id and e.day = v.day;

-- Unique: refreshing concurrently needs it, and every reader comes by it.
create unique index day_total_key on materialized.day_total (tenant_id, day);
create unique index day_type_key on materialized.day_type (tenant_id, day, type);

alter materialized view materialized.day_total owner to tidemark_worker;
alter materialized view materialized.day_type owner to tidemark_worker;
-- +goose StatementBegin
do $$ begin
  execute format('grant select on materialized.day_total, materialized.day_type to %I', current_user);
end $$;
-- +goose StatementEnd

-- Materialized views have no row security. Tenants read them through these.
create view closed_day with (security_barrier = true) as
select tenant_id, day, version, events, active_users, new_users
from materialized.day_total
where tenant_id = current_tenant();

create view closed_day_type with (security_barrier = true) as
select tenant_id, day, version, type, events
from materialized.day_type
where tenant_id = current_tenant();

grant select on closed_day, closed_day_type to tidemark_app;

-- What the feed follows. A day's version stands for everything counted in that day.
create publication tidemark for table day_version, tenant, api_key;

-- +goose Down
drop publication tidemark;
drop view closed_day, closed_day_type;
drop materialized view materialized.day_total, materialized.day_type;
drop table closing;
drop schema materialized;
