-- What each metric was in each day, week and month that is over: found once, kept, and found
-- anew where what it was counted from has changed since. Nothing that was once said is lost.
-- +goose Up
create type summary_period as enum ('DAY', 'WEEK', 'MONTH');
create type restatement_cause as enum ('LATE_EVENTS', 'IDENTITY', 'ERASURE', 'DEFINITION', 'REVENUE', 'DATA');

-- That a period's figures were found, and of what. One row for all metrics.
create table summarized (
  tenant_id    uuid           not null default current_tenant() references tenant,
  period       summary_period not null,
  period_start date           not null,
  period_end   date           not null, -- the first day after it
  -- The sum of the versions of all days before the end, since some metrics look back. Whatever
  -- changes in one of them changes it; the largest would not, as numbers don't commit in order.
  data_version bigint         not null,
  definitions  text           not null, -- which metrics, by which definitions
  found_at     timestamptz    not null,
  primary key (tenant_id, period, period_start)
);
call isolate_tenants('summarized');
grant select on summarized to tidemark_app;

-- A figure of a period that is over, as it was known from recorded_at until superseded_at.
create table summary (
  tenant_id          uuid                not null default current_tenant() references tenant,
  summary_id         uuid                not null, -- rises with time
  metric             text                not null,
  period             summary_period      not null,
  period_start       date                not null,
  starts_at          timestamptz         not null,
  ends_at            timestamptz         not null,
  zone               text                not null,
  version            int                 not null check (version > 0),
  value              double precision, -- null: of nothing
  unit               text                not null,
  currency           text,
  definition_version int                 not null,
  exact              boolean             not null,
  data_version       bigint              not null,
  found_at           timestamptz         not null,
  recorded_at        timestamptz         not null default now(),
  superseded_at      timestamptz,
  -- Of all but the first: what it was before, and why it is no longer.
  was                double precision,
  causes             restatement_cause[] not null default '{}',
  late_events        bigint              not null default 0,
  because            text[]              not null default '{}', -- such as merge:ID
  primary key (tenant_id, summary_id),
  check ((version = 1) = (causes = '{}'))
);
call isolate_tenants('summary');
grant select on summary to tidemark_app;
-- Unique: a figure's versions in order, and the figures of a metric over time.
create unique index summary_version on summary (tenant_id, metric, period, period_start, version);
-- Unique and partial: one holds at a time; it is also what a period's figures are found by.
create unique index summary_holds on summary (tenant_id, period, period_start, metric) where superseded_at is null;
-- Partial: restatements are few, and are listed the latest first.
create index summary_restated on summary (tenant_id, summary_id) where version > 1;

alter table summarized alter column tenant_id set statistics 0;
alter table summary alter column tenant_id set statistics 0;
alter publication tidemark add table summary (tenant_id, summary_id, metric);

create type refresh_state as enum ('RUNNING', 'DONE', 'FAILED');
create type refresh_reason as enum ('NEEDED', 'SCHEDULED', 'FILLED');

-- How the materialized views were refreshed: the same for all tenants.
create table view_refresh (
  refresh_id  bigint         generated always as identity primary key,
  view        text           not null,
  state       refresh_state  not null default 'RUNNING',
  reason      refresh_reason not null,
  stale_days  bigint         not null, -- before, of all tenants
  started_at  timestamptz    not null default clock_timestamp(),
  finished_at timestamptz    check ((finished_at is null) = (state = 'RUNNING')),
  error       text           check ((error is null) = (state <> 'FAILED'))
);
grant select, insert, update, delete on view_refresh to tidemark_worker;
-- All but how many days of all tenants were out of date.
grant select (refresh_id, view, state, reason, started_at, finished_at, error) on view_refresh to tidemark_app;
-- B-tree: the last of a view.
create index view_refresh_last on view_refresh (view, refresh_id);

-- +goose Down
drop table view_refresh;
drop type refresh_reason, refresh_state;
alter publication tidemark drop table summary;
drop table summary, summarized;
drop type restatement_cause, summary_period;
