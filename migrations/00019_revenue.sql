-- Revenue: what was said of plans, subscriptions, invoices and payments, and what MRR made of it.
-- +goose Up
create sequence revenue_id_seq cache 16;
create sequence revenue_version_seq;
grant usage on sequence revenue_id_seq, revenue_version_seq to tidemark_app, tidemark_worker;

-- When a cancelled subscription stops counting.
alter table tenant add column churn_rule text not null default 'PERIOD_END' check (churn_rule in ('PERIOD_END', 'CANCELLATION'));
grant update (churn_rule) on tenant to tidemark_app;

-- What is sold, and for how much. The price of a plan stays: a new price is a new plan.
create table plan (
  tenant_id        uuid        not null default current_tenant() references tenant,
  plan_id          bigint      not null default nextval('revenue_id_seq'),
  key              text        not null,
  name             text        not null,
  amount           bigint      not null check (amount >= 0), -- minor units
  currency         text        not null,
  billing_interval text        not null check (billing_interval in ('DAY', 'WEEK', 'MONTH', 'YEAR')),
  interval_count   integer     not null check (interval_count > 0),
  created_at       timestamptz not null default now(),
  primary key (tenant_id, plan_id)
);
call isolate_tenants('plan');
grant select, insert, update (name) on plan to tidemark_app;
create unique index plan_key on plan (tenant_id, key);

-- All that was said, as it was said: added to, never changed. Whatever else there is of
-- subscriptions, invoices and payments is what of this was said last.
create table revenue_fact (
  tenant_id   uuid        not null default current_tenant(),
  fact_id     bigint      not null default nextval('revenue_id_seq'),
  source      text        not null,
  kind        text        not null check (kind in ('SUBSCRIPTION', 'INVOICE', 'CHARGE', 'REFUND', 'CREDIT')),
  external_id text        not null,
  occurred_at timestamptz not null, -- since when it was so
  recorded_at timestamptz not null default now(), -- since when it is known
  fingerprint bigint      not null, -- tells the same fact from another one of its instant
  subject_id  bigint      not null, -- the subscription, the invoice or the payment
  account_id  bigint      not null,
  body        jsonb       not null,
  primary key (tenant_id, fact_id)
);
call isolate_tenants('revenue_fact');
grant select, insert on revenue_fact to tidemark_app;
-- Unique: a thing is said to be one thing at an instant.
create unique index revenue_fact_said on revenue_fact (tenant_id, kind, source, external_id, occurred_at);
-- Partial: all that is known of an account's subscriptions, of which its movements are made.
create index revenue_fact_account on revenue_fact (tenant_id, account_id) where kind = 'SUBSCRIPTION';

create table subscription (
  tenant_id       uuid        not null default current_tenant(),
  subscription_id bigint      not null default nextval('revenue_id_seq'),
  source          text        not null,
  external_id     text        not null,
  account_id      bigint      not null, -- it stays with it
  occurred_at     timestamptz not null, -- of what was said last, which the rest is
  plan_id         bigint      not null,
  status          text        not null check (status in ('TRIALING', 'ACTIVE', 'PAST_DUE', 'PAUSED', 'CANCELED')),
  quantity        bigint      not null,
  amount          bigint      not null, -- of one, in minor units
  discount        bigint      not null, -- of all
  currency        text        not null,
  monthly         bigint      not null,
  started_at      timestamptz,
  trial_starts_at timestamptz,
  trial_ends_at   timestamptz,
  period_ends_at  timestamptz,
  canceled_at     timestamptz,
  ended_at        timestamptz,
  created_at      timestamptz not null default now(),
  primary key (tenant_id, subscription_id)
);
call isolate_tenants('subscription');
grant select, insert, update on subscription to tidemark_app;
create unique index subscription_external on subscription (tenant_id, source, external_id);
create index subscription_account on subscription (tenant_id, account_id);

create table invoice (
  tenant_id      uuid        not null default current_tenant(),
  invoice_id     bigint      not null default nextval('revenue_id_seq'),
  source         text        not null,
  external_id    text        not null,
  account_id     bigint      not null,
  occurred_at    timestamptz not null,
  subscription   text, -- as its source calls it: it may not have come yet
  number         text,
  status         text        not null check (status in ('DRAFT', 'OPEN', 'PAID', 'VOID', 'UNCOLLECTIBLE')),
  currency       text        not null,
  subtotal       bigint      not null, -- of its lines, as are the next three
  discount       bigint      not null,
  tax            bigint      not null,
  total          bigint      not null,
  issued_at      timestamptz not null,
  due_at         timestamptz,
  paid_at        timestamptz,
  lines          jsonb       not null check (jsonb_typeof(lines) = 'array'),
  primary key (tenant_id, invoice_id)
);
call isolate_tenants('invoice');
grant select, insert, update on invoice to tidemark_app;
create unique index invoice_external on invoice (tenant_id, source, external_id);
create index invoice_account on invoice (tenant_id, account_id, invoice_id);

-- Money that came in, went back, or was let off.
create table payment (
  tenant_id   uuid        not null default current_tenant(),
  payment_id  bigint      not null default nextval('revenue_id_seq'),
  kind        text        not null check (kind in ('CHARGE', 'REFUND', 'CREDIT')),
  source      text        not null,
  external_id text        not null,
  account_id  bigint      not null,
  occurred_at timestamptz not null,
  status      text        not null check (status in ('PENDING', 'SUCCEEDED', 'FAILED')),
  amount      bigint      not null check (amount > 0),
  currency    text        not null,
  invoice     text, -- as its source calls it
  charge      text, -- of a refund
  reason      text,
  primary key (tenant_id, payment_id)
);
call isolate_tenants('payment');
grant select, insert, update on payment to tidemark_app;
create unique index payment_external on payment (tenant_id, kind, source, external_id);
create index payment_account on payment (tenant_id, account_id, payment_id);
-- Partial: what was paid of an invoice.
create index payment_invoice on payment (tenant_id, source, invoice) where invoice is not null;

-- What one unit of the base is worth in the currency, from a day on.
create table fx_rate (
  tenant_id     uuid        not null default current_tenant(),
  rate_id       bigint      not null default nextval('revenue_id_seq'),
  base          text        not null,
  currency      text        not null check (currency <> base),
  day           date        not null,
  rate          numeric     not null check (rate > 0),
  recorded_at   timestamptz not null default now(),
  superseded_at timestamptz, -- null: it holds
  primary key (tenant_id, rate_id)
);
call isolate_tenants('fx_rate');
grant select, insert, update (superseded_at) on fx_rate to tidemark_app;
create unique index fx_rate_holds on fx_rate (tenant_id, base, currency, day) where superseded_at is null;
create index fx_rate_day on fx_rate (tenant_id, day, rate_id) where superseded_at is null;

-- The parts of movements: what a subscription's plan had to do with the movement of its customer
-- in one currency on one day. Two times are kept apart: when a movement is to be seen (from
-- shown_at until hidden_at, as later changes of its day take part in it), and when it was known
-- (from recorded_at until superseded_at, as facts come late).
create table mrr_movement (
  tenant_id       uuid        not null default current_tenant(),
  movement_id     bigint      not null,
  subscription_id bigint      not null,
  plan_id         bigint      not null,
  account_id      bigint      not null,
  at              timestamptz not null,
  day             date        not null, -- of at, in the tenant's zone
  kind            text        not null check (kind in ('NEW', 'EXPANSION', 'CONTRACTION', 'CHURN', 'REACTIVATION')),
  currency        text        not null,
  amount          bigint      not null check (amount <> 0),
  shown_at        timestamptz not null,
  hidden_at       timestamptz,
  recorded_at     timestamptz not null default now(),
  superseded_at   timestamptz,
  primary key (tenant_id, movement_id, subscription_id, plan_id)
);
call isolate_tenants('mrr_movement');
grant select, insert, update (superseded_at) on mrr_movement to tidemark_app;
-- Composite: the movements of a range, and all before it, in order.
create index mrr_movement_at on mrr_movement (tenant_id, at, account_id);
create index mrr_movement_account on mrr_movement (tenant_id, account_id, at);
-- Partial: what is due next.
create index mrr_movement_shown on mrr_movement (tenant_id, shown_at) where superseded_at is null;
create index mrr_movement_hidden on mrr_movement (tenant_id, hidden_at) where superseded_at is null and hidden_at is not null;

create table trial (
  tenant_id       uuid        not null default current_tenant(),
  trial_id        bigint      not null default nextval('revenue_id_seq'),
  account_id      bigint      not null,
  subscription_id bigint      not null,
  plan_id         bigint      not null,
  currency        text        not null,
  started_at      timestamptz not null,
  ended_at        timestamptz, -- it may lie ahead
  converted       boolean     not null, -- whether it was paid for from its end on
  recorded_at     timestamptz not null default now(),
  superseded_at   timestamptz,
  primary key (tenant_id, trial_id)
);
call isolate_tenants('trial');
grant select, insert, update (superseded_at) on trial to tidemark_app;
create index trial_started on trial (tenant_id, started_at);
create index trial_ended on trial (tenant_id, ended_at);
create index trial_account on trial (tenant_id, account_id) where superseded_at is null;

-- A number for each day with movements that changes whenever they do. It is not day_version:
-- events of a day would make its revenue out of date.
create table revenue_day (
  tenant_id uuid   not null default current_tenant(),
  day       date   not null,
  version   bigint not null,
  primary key (tenant_id, day)
) with (fillfactor = 70);
call isolate_tenants('revenue_day');
grant select, insert, update on revenue_day to tidemark_app;

-- +goose StatementBegin
create function revenue_day_bump() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  insert into revenue_day (tenant_id, day, version)
  select c.tenant_id, c.day, nextval('revenue_version_seq')
  from (select distinct tenant_id, day from now_rows order by 1, 2) c
  on conflict (tenant_id, day) do update set version = excluded.version;
  return null;
end $$;
-- +goose StatementEnd
create trigger bump_on_insert after insert on mrr_movement
  referencing new table as now_rows for each statement execute function revenue_day_bump();
create trigger bump_on_update after update on mrr_movement
  referencing new table as now_rows for each statement execute function revenue_day_bump();
create trigger bump_on_delete after delete on mrr_movement
  referencing old table as now_rows for each statement execute function revenue_day_bump();

-- What each leaf came to as a quarter of the year began, so that a question costs what moved
-- since, and not all that ever did. A row of account 0 heads each quarter. Yesterday is left out:
-- until an hour into a day, its changes may take the day before along.
create materialized view materialized.mrr_opening as
with quarter as (
  select c.tenant_id, q.day::date as day, v.version
  from closing c
  join (select tenant_id, min(day) as day from revenue_day group by tenant_id) f on f.tenant_id = c.tenant_id
  cross join lateral generate_series(
    date_trunc('quarter', f.day::timestamp) + interval '3 months', (c.closed_before - 1)::timestamp, interval '3 months'
  ) q (day)
  cross join lateral (
    select max(d.version) as version from revenue_day d where d.tenant_id = c.tenant_id and d.day < q.day::date
  ) v
)
select q.tenant_id, q.day, q.version, 0::bigint as account_id, 0::bigint as subscription_id, 0::bigint as plan_id, '' as currency, 0::bigint as amount
from quarter q
union all
select q.tenant_id, q.day, q.version, m.account_id, m.subscription_id, m.plan_id, m.currency, sum(m.amount)::bigint
from quarter q
join mrr_movement m on m.tenant_id = q.tenant_id and m.day < q.day
where m.superseded_at is null and m.hidden_at is null
group by q.tenant_id, q.day, q.version, m.account_id, m.subscription_id, m.plan_id, m.currency
having sum(m.amount) <> 0;
-- Unique: refreshing concurrently needs it, and every reader comes by it.
create unique index mrr_opening_key on materialized.mrr_opening (tenant_id, day, account_id, subscription_id, plan_id, currency);
alter materialized view materialized.mrr_opening owner to tidemark_worker;
-- +goose StatementBegin
do $$ begin
  execute format('grant select on materialized.mrr_opening to %I', current_user);
end $$;
-- +goose StatementEnd
create view closed_quarter with (security_barrier = true) as
select tenant_id, day, version, account_id, subscription_id, plan_id, currency, amount
from materialized.mrr_opening
where tenant_id = current_tenant();
grant select on closed_quarter to tidemark_app;

-- As with the tables of events: the planner is to know nothing of tenants.
-- +goose StatementBegin
do $$
declare
  target text;
begin
  foreach target in array array['plan', 'revenue_fact', 'subscription', 'invoice', 'payment', 'fx_rate', 'mrr_movement', 'trial', 'revenue_day'] loop
    execute format('alter table %I alter column tenant_id set statistics 0', target);
  end loop;
end $$;
-- +goose StatementEnd

-- Followed: only the keys. What somebody pays is nobody's business on the way.
alter publication tidemark add table
  plan (tenant_id, plan_id),
  subscription (tenant_id, subscription_id),
  invoice (tenant_id, invoice_id),
  payment (tenant_id, payment_id),
  fx_rate (tenant_id, rate_id),
  trial (tenant_id, trial_id),
  mrr_movement (tenant_id, movement_id, subscription_id, plan_id);

-- +goose Down
alter publication tidemark drop table plan, subscription, invoice, payment, fx_rate, trial, mrr_movement;
drop view closed_quarter;
drop materialized view materialized.mrr_opening;
drop table revenue_day, trial, mrr_movement, fx_rate, payment, invoice, subscription, revenue_fact, plan;
drop function revenue_day_bump;
revoke update (churn_rule) on tenant from tidemark_app;
alter table tenant drop column churn_rule;
drop sequence revenue_version_seq, revenue_id_seq;
