-- What changes a summary besides what users do: revenue. And up to where nothing has changed.
-- +goose Up

-- A number for each day whose exchange rates or trials changed, which is another one whenever
-- they do. It is not revenue_day, by which quarters are kept: these are of movements alone.
create table billing_day (
  tenant_id uuid   not null default current_tenant(),
  day       date   not null,
  version   bigint not null,
  primary key (tenant_id, day)
) with (fillfactor = 70);
call isolate_tenants('billing_day');
grant select, insert, update on billing_day to tidemark_app;
alter table billing_day alter column tenant_id set statistics 0;

-- +goose StatementBegin
create function rate_day_bump() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  insert into billing_day (tenant_id, day, version)
  select c.tenant_id, c.day, nextval('revenue_version_seq')
  from (select distinct tenant_id, day from now_rows order by 1, 2) c
  on conflict (tenant_id, day) do update set version = excluded.version;
  return null;
end $$;

create function trial_day_bump() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  insert into billing_day (tenant_id, day, version)
  select c.tenant_id, c.day, nextval('revenue_version_seq')
  from (
    select distinct n.tenant_id, (e.at at time zone t.zone)::date as day
    from now_rows n
    join tenant t on t.tenant_id = n.tenant_id
    cross join lateral (values (n.started_at), (n.ended_at)) e (at)
    where e.at is not null
    order by 1, 2
  ) c
  on conflict (tenant_id, day) do update set version = excluded.version;
  return null;
end $$;
-- +goose StatementEnd
create trigger bump_on_insert after insert on fx_rate
  referencing new table as now_rows for each statement execute function rate_day_bump();
create trigger bump_on_update after update on fx_rate
  referencing new table as now_rows for each statement execute function rate_day_bump();
create trigger bump_on_insert after insert on trial
  referencing new table as now_rows for each statement execute function trial_day_bump();
create trigger bump_on_update after update on trial
  referencing new table as now_rows for each statement execute function trial_day_bump();

insert into billing_day (tenant_id, day, version)
select c.tenant_id, c.day, nextval('revenue_version_seq')
from (
  select tenant_id, day from fx_rate
  union
  select t.tenant_id, (e.at at time zone o.zone)::date
  from trial t
  join tenant o on o.tenant_id = t.tenant_id
  cross join lateral (values (t.started_at), (t.ended_at)) e (at)
  where e.at is not null
) c;

-- Every number of a day that figures depend on.
create view counted_day with (security_invoker = true) as
select tenant_id, day, version from day_version
union all
select tenant_id, day, version from revenue_day
union all
select tenant_id, day, version from billing_day;
grant select on counted_day to tidemark_worker, tidemark_app;

-- Each period that has been summarized, by what its figures were found from, and what the
-- numbers of all days before its end come to now. Weeks that began on another day, before that
-- was changed, are left out.
create view summarized_now with (security_invoker = true) as
with steps as (
  select v.tenant_id, v.day, v.version, null::summary_period as period, null::date as period_start, null::bigint as was, null::text as definitions, null::timestamptz as found_at
  from counted_day v
  union all
  select s.tenant_id, s.period_end, 0, s.period, s.period_start, s.data_version, s.definitions, s.found_at
  from summarized s
  join tenant t on t.tenant_id = s.tenant_id
  where s.period <> 'WEEK' or extract(dow from s.period_start) = t.week_start
),
summed as (
  select
    p.tenant_id, p.period, p.period_start, p.day as period_end, p.was, p.definitions, p.found_at,
    sum(p.version) over (partition by p.tenant_id order by p.day, p.was is null)::bigint as total
  from steps p
)
select tenant_id, period, period_start, period_end, was, definitions, found_at, total
from summed
where was is not null;
grant select on summarized_now to tidemark_worker, tidemark_app;

-- How often days of a tenant have changed that were over long ago when they did. Counts up under
-- the row's lock, so that no state comes twice.
create table past_change (
  tenant_id uuid   not null default current_tenant(),
  revision  bigint not null default 1,
  primary key (tenant_id)
) with (fillfactor = 50);
call isolate_tenants('past_change');
grant select, insert, update on past_change to tidemark_app;
alter table past_change alter column tenant_id set statistics 0;

-- Two days ago the day is over in every zone.
-- +goose StatementBegin
create function past_change_bump() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  if exists (select from now_rows where day < current_date - 2) then
    insert into past_change as p (tenant_id)
    select distinct tenant_id from now_rows where day < current_date - 2 order by 1
    on conflict (tenant_id) do update set revision = p.revision + 1;
  end if;
  return null;
end $$;

do $$
declare
  target text;
begin
  foreach target in array array['day_version', 'revenue_day', 'billing_day'] loop
    execute format('create trigger past_on_insert after insert on %I
      referencing new table as now_rows for each statement execute function past_change_bump()', target);
    execute format('create trigger past_on_update after update on %I
      referencing new table as now_rows for each statement execute function past_change_bump()', target);
  end loop;
end $$;
-- +goose StatementEnd

-- That all that is summarized of a tenant, up to a day, was found to hold. It still does while the
-- past has not changed since, nor the few days that were not past by then: a transaction may be
-- under way for a day, and count by what was past as it wrote.
create table summary_look (
  tenant_id   uuid   not null default current_tenant() references tenant,
  until       date   not null, -- the first day that is not summarized
  past        bigint not null, -- the revision of the past
  since       date   not null, -- the first day that is not counted in it for sure
  recent      bigint not null, -- what the numbers of the days from since until then came to
  definitions text   not null,
  primary key (tenant_id)
);
call isolate_tenants('summary_look');
grant select on summary_look to tidemark_app;
alter table summary_look alter column tenant_id set statistics 0;

-- +goose Down
drop table summary_look;
drop trigger past_on_insert on day_version;
drop trigger past_on_update on day_version;
drop trigger past_on_insert on revenue_day;
drop trigger past_on_update on revenue_day;
drop view summarized_now, counted_day;
drop trigger bump_on_insert on fx_rate;
drop trigger bump_on_update on fx_rate;
drop trigger bump_on_insert on trial;
drop trigger bump_on_update on trial;
drop function rate_day_bump, trial_day_bump;
drop table billing_day, past_change;
drop function past_change_bump;
