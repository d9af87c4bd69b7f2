-- What the activity of days amounts to, kept for days that are over. A row names the versions
-- of the days that it was worked out of, and is right as long as they are the days' versions:
-- whoever reads compares, as with what is materialized. The worker keeps them, a few days at a
-- time, where a view would be worked out from the first day on.
-- +goose Up
create table activity_day (
  tenant_id       uuid    not null default current_tenant(),
  day             date    not null, -- of the tenant's zone
  -- The sum of a hash of each version of the 28 days that end with it: any change shows.
  version         numeric not null,
  daily           bigint  not null, -- distinct persons of the day itself,
  weekly          bigint  not null, -- of the 7 days that end with it,
  monthly         bigint  not null, -- and of the 28
  returning_users bigint  not null, -- of the day and of the day before
  primary key (tenant_id, day)
) with (fillfactor = 70); -- late events have days worked out again
call isolate_tenants('activity_day');
grant select on activity_day to tidemark_app;

-- Works days out from presence. Each active day of a person is told by how many days after the
-- one before it comes: so one pass over the persons' days, in their order, is enough for
-- windows of all lengths. In a window counts who comes to it from outside.
-- +goose StatementBegin
create function activity_of(tenant uuid, days date[])
  returns table (day date, daily bigint, weekly bigint, monthly bigint, returning_users bigint)
  language sql stable set search_path = pg_catalog, public
  begin atomic
    with asked as (
      select distinct d.day
      from unnest(days) d (day)
    ),
    needed as materialized (
      select distinct a.day - i.n as day
      from asked a
      cross join generate_series(0, 27) i (n)
    ),
    seen as (
      select distinct p.person_id, n.day
      from needed n
      cross join lateral ( -- apart, so that it stays a look at the key for each day
        select o.person_id
        from presence o
        where o.tenant_id = tenant and o.day = n.day
        offset 0
      ) p
    ),
    step as (
      -- 28: or more, or never before
      select s.day, least(s.day - lag(s.day) over (partition by s.person_id order by s.day), 28) as gap
      from seen s
    ),
    cell as materialized (
      select s.day, s.gap, count(*) as n
      from step s
      group by s.day, s.gap
    )
    select
      a.day,
      coalesce(sum(c.n) filter (where c.day = a.day), 0)::bigint,
      coalesce(sum(c.n) filter (where c.day > a.day - 7 and c.gap >= c.day - a.day + 7), 0)::bigint,
      coalesce(sum(c.n) filter (where c.gap >= c.day - a.day + 28), 0)::bigint,
      coalesce(sum(c.n) filter (where c.day = a.day and c.gap = 1), 0)::bigint
    from asked a
    left join cell c on c.day between a.day - 27 and a.day
    group by a.day;
  end;
-- +goose StatementEnd

-- The same of one day, which is what is asked for all the time: the day that runs. For it, when
-- everybody was last there is enough.
-- +goose StatementBegin
create function activity_on(tenant uuid, on_day date)
  returns table (day date, daily bigint, weekly bigint, monthly bigint, returning_users bigint)
  language sql stable set search_path = pg_catalog, public
  begin atomic
    select
      on_day,
      count(*) filter (where s.last_day = on_day),
      count(*) filter (where s.last_day > on_day - 7),
      count(*),
      count(*) filter (where s.last_day = on_day and s.before)
    from (
      select p.person_id, max(p.day) as last_day, bool_or(p.day = on_day - 1) as before
      from presence p
      where p.tenant_id = tenant and p.day > on_day - 28 and p.day <= on_day
      group by p.person_id
    ) s;
  end;
-- +goose StatementEnd

-- Sessions of use are visits here: the others are of those who have signed in to Tidemark.
-- A visit ends with 30 minutes without an event, and counts where it starts.
create table visit_day (
  tenant_id      uuid   not null default current_tenant(),
  day            date   not null, -- of the tenant's zone
  version        bigint not null, -- 0: there was none
  version_before bigint not null, -- of the day before: what began then may go on into this
  visits         bigint not null,
  primary key (tenant_id, day)
) with (fillfactor = 70);
call isolate_tenants('visit_day');
grant select on visit_day to tidemark_app;

-- The visits of such a day by the quarter hour in which they start, so that any zone adds up.
create table visit_slot (
  tenant_id uuid        not null default current_tenant(),
  at        timestamptz not null check (extract(epoch from at)::bigint % 900 = 0),
  visits    bigint      not null,
  primary key (tenant_id, at)
);
call isolate_tenants('visit_slot');
grant select on visit_slot to tidemark_app;

-- When visits started within a range. What was done up to 30 minutes earlier tells whether
-- somebody goes on or comes anew.
-- +goose StatementBegin
create function visit_starts(tenant uuid, starts timestamptz, ends timestamptz)
  returns table (at timestamptz)
  language sql stable set search_path = pg_catalog, public
  begin atomic
    select s.occurred_at
    from (
      select e.occurred_at, lag(e.occurred_at) over (partition by i.person_id order by e.occurred_at) as before
      from event e
      join identity i on i.tenant_id = e.tenant_id and i.identity_id = e.identity_id
      where e.tenant_id = tenant
        and e.occurred_at >= starts - interval '30 minutes'
        and e.occurred_at < ends
        and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
    ) s
    where s.occurred_at >= starts
      and (s.before is null or s.occurred_at - s.before >= interval '30 minutes');
  end;

-- The planner is to know nothing of tenants (see identity).
do $$
declare
  target text;
begin
  foreach target in array array['activity_day', 'visit_day', 'visit_slot'] loop
    execute format('alter table %I alter column tenant_id set statistics 0', target);
  end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop function visit_starts, activity_on, activity_of;
drop table visit_slot, visit_day, activity_day;
