-- What the facts of a batch are placed by: the tenant's zone, and when churn counts.
-- name: RevenueSettings :one
select t.zone, t.churn_rule, t.currency, clock_timestamp()::timestamptz as clock
from tenant t;

-- name: PlanListByKeys :many
select plan_id, key, name, amount, currency, billing_interval, interval_count, created_at
from plan
where key = any (@keys::text[])
order by plan_id;

-- name: PlanInsert :many
insert into plan (key, name, amount, currency, billing_interval, interval_count)
select u.key, u.name, u.amount, u.currency, u.billing_interval, u.interval_count
from unnest(@keys::text[], @names::text[], @amounts::bigint[], @currencies::text[], @intervals::text[], @counts::integer[])
  as u (key, name, amount, currency, billing_interval, interval_count)
returning plan_id, key, name, amount, currency, billing_interval, interval_count, created_at;

-- name: PlanRename :exec
update plan set name = @name where plan_id = @plan_id;

-- What was said before of the same things at the same instants.
-- name: RevenueFactKnown :many
select f.kind, f.external_id, f.occurred_at, f.fingerprint
from unnest(@kinds::text[], @external_ids::text[], @occurred_ats::timestamptz[]) as w (kind, external_id, occurred_at)
join revenue_fact f on f.kind = w.kind and f.source = @source and f.external_id = w.external_id and f.occurred_at = w.occurred_at
order by f.fact_id;

-- name: RevenueFactInsert :exec
insert into revenue_fact (source, kind, external_id, occurred_at, fingerprint, subject_id, account_id, body)
select @source, u.kind, u.external_id, u.occurred_at, u.fingerprint, u.subject_id, u.account_id, u.body
from unnest(@kinds::text[], @external_ids::text[], @occurred_ats::timestamptz[], @fingerprints::bigint[], @subject_ids::bigint[], @account_ids::bigint[], @bodies::jsonb[])
  as u (kind, external_id, occurred_at, fingerprint, subject_id, account_id, body);

-- What the things of a batch were called before. The account tells whose they are.
-- name: RevenueSubjectKnown :many
select coalesce(w.kind, '')::text as kind, coalesce(w.external_id, '')::text as external_id, coalesce(s.subscription_id, i.invoice_id, p.payment_id)::bigint as subject_id,
  coalesce(s.account_id, i.account_id, p.account_id)::bigint as account_id
from (select distinct u.kind, u.external_id from unnest(@kinds::text[], @external_ids::text[]) as u (kind, external_id)) w
left join subscription s on w.kind = 'SUBSCRIPTION' and s.source = @source and s.external_id = w.external_id
left join invoice i on w.kind = 'INVOICE' and i.source = @source and i.external_id = w.external_id
left join payment p on p.kind = w.kind and p.source = @source and p.external_id = w.external_id
where coalesce(s.subscription_id, i.invoice_id, p.payment_id) is not null
order by w.kind, w.external_id;

-- name: RevenueIDs :many
select nextval('revenue_id_seq')::bigint as id
from generate_series(1, @most::integer);

-- An older state than the one that is known changes nothing here.
-- name: SubscriptionUpsert :batchexec
insert into subscription as s (
  subscription_id, source, external_id, account_id, occurred_at, plan_id, status, quantity, amount, discount, currency, monthly,
  started_at, trial_starts_at, trial_ends_at, period_ends_at, canceled_at, ended_at
) values (
  @subscription_id, @source, @external_id, @account_id, @occurred_at, @plan_id, @status, @quantity, @amount, @discount, @currency, @monthly,
  sqlc.narg(started_at), sqlc.narg(trial_starts_at), sqlc.narg(trial_ends_at), sqlc.narg(period_ends_at), sqlc.narg(canceled_at), sqlc.narg(ended_at)
)
on conflict (tenant_id, subscription_id) do update
set occurred_at = excluded.occurred_at, plan_id = excluded.plan_id, status = excluded.status, quantity = excluded.quantity,
  amount = excluded.amount, discount = excluded.discount, currency = excluded.currency, monthly = excluded.monthly,
  started_at = excluded.started_at, trial_starts_at = excluded.trial_starts_at, trial_ends_at = excluded.trial_ends_at,
  period_ends_at = excluded.period_ends_at, canceled_at = excluded.canceled_at, ended_at = excluded.ended_at
where excluded.occurred_at > s.occurred_at;

-- name: InvoiceUpsert :batchexec
insert into invoice as i (
  invoice_id, source, external_id, account_id, occurred_at, subscription, number, status, currency,
  subtotal, discount, tax, total, issued_at, due_at, paid_at, lines
) values (
  @invoice_id, @source, @external_id, @account_id, @occurred_at, sqlc.narg(subscription), sqlc.narg(number), @status, @currency,
  @subtotal, @discount, @tax, @total, @issued_at, sqlc.narg(due_at), sqlc.narg(paid_at), @lines
)
on conflict (tenant_id, invoice_id) do update
set occurred_at = excluded.occurred_at, subscription = excluded.subscription, number = excluded.number, status = excluded.status,
  currency = excluded.currency, subtotal = excluded.subtotal, discount = excluded.discount, tax = excluded.tax, total = excluded.total,
  issued_at = excluded.issued_at, due_at = excluded.due_at, paid_at = excluded.paid_at, lines = excluded.lines
where excluded.occurred_at > i.occurred_at;

-- name: PaymentUpsert :batchexec
insert into payment as p (payment_id, kind, source, external_id, account_id, occurred_at, status, amount, currency, invoice, charge, reason)
values (
  @payment_id, @kind, @source, @external_id, @account_id, @occurred_at, @status, @amount, @currency,
  sqlc.narg(invoice), sqlc.narg(charge), sqlc.narg(reason)
)
on conflict (tenant_id, payment_id) do update
set occurred_at = excluded.occurred_at, status = excluded.status, amount = excluded.amount, currency = excluded.currency,
  invoice = excluded.invoice, charge = excluded.charge, reason = excluded.reason
where excluded.occurred_at > p.occurred_at;

-- name: FxRateKnown :many
select r.base, r.currency, r.day, r.rate::text as rate
from unnest(@bases::text[], @currencies::text[], @days::date[]) as w (base, currency, day)
join fx_rate r on r.base = w.base and r.currency = w.currency and r.day = w.day and r.superseded_at is null
order by r.rate_id;

-- name: FxRateSupersede :exec
update fx_rate r
set superseded_at = @superseded_at::timestamptz
from unnest(@bases::text[], @currencies::text[], @days::date[]) as w (base, currency, day)
where r.base = w.base and r.currency = w.currency and r.day = w.day and r.superseded_at is null;

-- name: FxRateInsert :exec
insert into fx_rate (base, currency, day, rate, recorded_at)
select u.base, u.currency, u.day, u.rate::numeric, @recorded_at::timestamptz
from unnest(@bases::text[], @currencies::text[], @days::date[], @rates::text[]) as u (base, currency, day, rate);

-- All that is known of the subscriptions of accounts.
-- name: RevenueFactListByAccounts :many
select f.account_id, f.subject_id, f.occurred_at, f.body
from revenue_fact f
where f.kind = 'SUBSCRIPTION' and f.account_id = any (@account_ids::bigint[])
order by f.account_id, f.subject_id, f.occurred_at;

-- name: RevenueAccountPage :many
select distinct s.account_id
from subscription s
where s.account_id > @after_id
order by s.account_id
limit @most;

-- What is said of accounts' movements now.
-- name: MrrMovementListByAccounts :many
select movement_id, subscription_id, plan_id, account_id, at, kind, currency, amount, shown_at, hidden_at
from mrr_movement
where account_id = any (@account_ids::bigint[]) and superseded_at is null
order by account_id, movement_id, subscription_id, plan_id;

-- name: MrrMovementSupersede :exec
update mrr_movement
set superseded_at = @superseded_at::timestamptz
where movement_id = any (@movement_ids::bigint[]) and superseded_at is null;

-- name: MrrMovementInsert :exec
insert into mrr_movement (movement_id, subscription_id, plan_id, account_id, at, day, kind, currency, amount, shown_at, hidden_at, recorded_at)
select u.movement_id, u.subscription_id, u.plan_id, u.account_id, u.at, u.day, u.kind, u.currency, u.amount, u.shown_at,
  nullif(u.hidden_at, '9999-12-31 00:00:00+00'::timestamptz), @recorded_at::timestamptz
from unnest(
  @movement_ids::bigint[], @subscription_ids::bigint[], @plan_ids::bigint[], @account_ids::bigint[], @ats::timestamptz[], @days::date[],
  @kinds::text[], @currencies::text[], @amounts::bigint[], @shown_ats::timestamptz[], @hidden_ats::timestamptz[]
) as u (movement_id, subscription_id, plan_id, account_id, at, day, kind, currency, amount, shown_at, hidden_at);

-- name: TrialListByAccounts :many
select trial_id, account_id, subscription_id, plan_id, currency, started_at, ended_at, converted
from trial
where account_id = any (@account_ids::bigint[]) and superseded_at is null
order by account_id, trial_id;

-- name: TrialSupersede :exec
update trial
set superseded_at = @superseded_at::timestamptz
where trial_id = any (@trial_ids::bigint[]) and superseded_at is null;

-- name: TrialInsert :batchexec
insert into trial (account_id, subscription_id, plan_id, currency, started_at, ended_at, converted, recorded_at)
values (@account_id, @subscription_id, @plan_id, @currency, @started_at, sqlc.narg(ended_at), @converted, @recorded_at);

-- name: TenantSetChurnRule :one
update tenant t
set churn_rule = @churn_rule
from tenant old
where old.tenant_id = t.tenant_id
returning old.churn_rule as before;

-- What each leaf came to as the last quarter before a day began, by what is materialized; no row
-- if that is out of date. The row of account 0 tells the quarter.
-- name: MrrOpening :many
select q.day, q.account_id, q.subscription_id, q.plan_id, q.currency, q.amount
from closed_quarter q
where q.day = (
  select max(h.day)
  from closed_quarter h
  where h.account_id = 0
    and h.day <= @day
    and h.version = (select max(d.version) from revenue_day d where d.day < h.day)
)
order by q.account_id, q.subscription_id, q.plan_id, q.currency;

-- What each leaf's movements of a time come to, as they were to be seen at one instant and known
-- at another.
-- name: MrrStanding :many
select m.account_id, m.subscription_id, m.plan_id, m.currency, sum(m.amount)::bigint as amount
from mrr_movement m
where m.at >= @since::timestamptz
  and m.at < @before::timestamptz
  and m.shown_at <= @seen_at::timestamptz
  and (m.hidden_at is null or m.hidden_at > @seen_at)
  and m.recorded_at <= @known_at::timestamptz
  and (m.superseded_at is null or m.superseded_at > @known_at)
group by m.account_id, m.subscription_id, m.plan_id, m.currency
having sum(m.amount) <> 0
order by m.account_id, m.subscription_id, m.plan_id, m.currency;

-- name: MrrMovementListOfRange :many
select m.account_id, m.subscription_id, m.plan_id, m.currency, m.at, m.kind, m.amount
from mrr_movement m
where m.at >= @since::timestamptz
  and m.at < @before::timestamptz
  and m.shown_at <= @seen_at::timestamptz
  and (m.hidden_at is null or m.hidden_at > @seen_at)
  and m.recorded_at <= @known_at::timestamptz
  and (m.superseded_at is null or m.superseded_at > @known_at)
order by m.at, m.account_id, m.subscription_id, m.plan_id, m.currency;

-- name: TrialListOfRange :many
select t.account_id, t.subscription_id, t.plan_id, t.currency, t.started_at, t.ended_at, t.converted
from trial t
where (t.started_at >= @since::timestamptz and t.started_at < @before::timestamptz
    or t.ended_at >= @since and t.ended_at < @before)
  and t.recorded_at <= @known_at::timestamptz
  and (t.superseded_at is null or t.superseded_at > @known_at)
order by t.started_at, t.trial_id;

-- When something changes by itself next, after an instant or after now; 9999: never, by what is
-- known. The instant is worked out apart: coalesce in a condition would keep row security from
-- using the indexes.
-- name: RevenueNextChange :one
with n as materialized (select coalesce(sqlc.narg(after)::timestamptz, now()) as after)
select least(
  (select min(m.shown_at) from mrr_movement m where m.superseded_at is null and m.shown_at > (select n.after from n)),
  (select min(m.hidden_at) from mrr_movement m where m.superseded_at is null and m.hidden_at > (select n.after from n)),
  (select min(t.ended_at) from trial t where t.superseded_at is null and t.ended_at > (select n.after from n)),
  (select min(t.started_at) from trial t where t.superseded_at is null and t.started_at > (select n.after from n)),
  '9999-12-31 00:00:00+00'
)::timestamptz as at;

-- The quotes of currencies that count on the days of a range: those of its days, and of each pair
-- the last one before.
-- name: FxRateListOfRange :many
select r.base, r.currency, r.day, r.rate::text as rate
from fx_rate r
where r.currency = any (@currencies::text[])
  and r.day <= @last
  and r.recorded_at <= @known_at::timestamptz
  and (r.superseded_at is null or r.superseded_at > @known_at)
  and r.day >= coalesce((
    select max(b.day)
    from fx_rate b
    where b.base = r.base and b.currency = r.currency and b.day <= @first
      and b.recorded_at <= @known_at and (b.superseded_at is null or b.superseded_at > @known_at)
  ), @first)
order by r.base, r.currency, r.day;

-- name: PlanTermList :many
select plan_id, key, billing_interval, interval_count
from plan
order by plan_id;

-- The traits of accounts that revenue is told by.
-- name: RevenueAccountList :many
select a.account_id, a.group_type, a.group_id, coalesce(p.once || p.traits, '{}')::jsonb as traits
from account a
left join profile p on p.subject = 'account' and p.subject_id = a.account_id
where a.account_id = any (@account_ids::bigint[])
order by a.account_id;

-- One worker at a time; the lock goes with the transaction.
-- name: OpeningTryLock :one
select pg_try_advisory_xact_lock(hashtext('tidemark_opening'));

-- Worker: a restored database has its views empty, and then they can't be read.
-- name: OpeningEmpty :one
select coalesce(not c.relispopulated, true)::boolean as empty
from pg_class c
where c.oid = 'materialized.mrr_opening'::regclass;

-- Worker: how many quarters are over, and how many of them are out of date in the view.
-- name: OpeningStaleCount :one
select
  (count(*) filter (where o.version is distinct from v.version))::bigint as stale,
  count(*)::bigint as quarters
from closing c
join (select tenant_id, min(day) as day from revenue_day group by tenant_id) f on f.tenant_id = c.tenant_id
cross join lateral generate_series(
  date_trunc('quarter', f.day::timestamp) + interval '3 months', (c.closed_before - 1)::timestamp, interval '3 months'
) q (day)
cross join lateral (
  select max(d.version) as version from revenue_day d where d.tenant_id = c.tenant_id and d.day < q.day::date
) v
left join materialized.mrr_opening o on o.tenant_id = c.tenant_id and o.day = q.day::date and o.account_id = 0;

-- Worker.
-- name: OpeningFill :exec
refresh materialized view materialized.mrr_opening;

-- Worker.
-- name: OpeningRefresh :exec
refresh materialized view concurrently materialized.mrr_opening;

-- The oldest first.
-- name: PlanPage :many
select plan_id, key, name, amount, currency, billing_interval, interval_count, created_at
from plan
where plan_id > @after_id
order by plan_id
limit @most;

-- name: PlanListByIDs :many
select plan_id, key, name, amount, currency, billing_interval, interval_count, created_at
from plan
where plan_id = any (@ids::bigint[])
order by plan_id;

-- The oldest first.
-- name: SubscriptionPage :many
select
  s.subscription_id, s.source, s.external_id, s.account_id, s.occurred_at, s.plan_id, s.status, s.quantity, s.amount, s.discount,
  s.currency, s.monthly, s.started_at, s.trial_starts_at, s.trial_ends_at, s.period_ends_at, s.canceled_at, s.ended_at
from subscription s
where s.subscription_id > @after_id
  and (sqlc.narg(status)::text is null or s.status = sqlc.narg(status))
  and (sqlc.narg(account_id)::bigint is null or s.account_id = sqlc.narg(account_id))
  and (sqlc.narg(plan_id)::bigint is null or s.plan_id = sqlc.narg(plan_id))
order by s.subscription_id
limit @most;

-- name: SubscriptionListByIDs :many
select
  s.subscription_id, s.source, s.external_id, s.account_id, s.occurred_at, s.plan_id, s.status, s.quantity, s.amount, s.discount,
  s.currency, s.monthly, s.started_at, s.trial_starts_at, s.trial_ends_at, s.period_ends_at, s.canceled_at, s.ended_at
from subscription s
where s.subscription_id = any (@ids::bigint[])
order by s.subscription_id;

-- A page of each account's, in one statement.
-- name: SubscriptionPageOfAccounts :many
select
  s.subscription_id, s.source, s.external_id, s.account_id, s.occurred_at, s.plan_id, s.status, s.quantity, s.amount, s.discount,
  s.currency, s.monthly, s.started_at, s.trial_starts_at, s.trial_ends_at, s.period_ends_at, s.canceled_at, s.ended_at
from unnest(@account_ids::bigint[]) as w (account_id)
cross join lateral (
  select o.*
  from subscription o
  where o.account_id = w.account_id and o.subscription_id > @after_id
  order by o.subscription_id
  limit @most
) s
order by s.account_id, s.subscription_id;

-- The latest made first.
-- name: InvoicePage :many
select
  i.invoice_id, i.source, i.external_id, i.account_id, i.occurred_at, i.number, i.status, i.currency,
  i.subtotal, i.discount, i.tax, i.total, i.issued_at, i.due_at, i.paid_at, i.lines, i.subscription
from invoice i
where i.invoice_id < @before_id
  and (sqlc.narg(account_id)::bigint is null or i.account_id = sqlc.narg(account_id))
  and (sqlc.narg(status)::text is null or i.status = sqlc.narg(status))
order by i.invoice_id desc
limit @most;

-- name: InvoiceListByIDs :many
select
  i.invoice_id, i.source, i.external_id, i.account_id, i.occurred_at, i.number, i.status, i.currency,
  i.subtotal, i.discount, i.tax, i.total, i.issued_at, i.due_at, i.paid_at, i.lines, i.subscription
from invoice i
where i.invoice_id = any (@ids::bigint[])
order by i.invoice_id;

-- The latest made first; of an invoice, what its source says was paid of it.
-- name: PaymentPage :many
select p.payment_id, p.kind, p.source, p.external_id, p.account_id, p.occurred_at, p.status, p.amount, p.currency, p.invoice, p.charge, p.reason
from payment p
where p.payment_id < @before_id
  and (sqlc.narg(account_id)::bigint is null or p.account_id = sqlc.narg(account_id))
  and (sqlc.narg(kind)::text is null or p.kind = sqlc.narg(kind))
  and (sqlc.narg(invoice_id)::bigint is null or exists (
    select from invoice i where i.invoice_id = sqlc.narg(invoice_id) and i.source = p.source and i.external_id = p.invoice
  ))
order by p.payment_id desc
limit @most;

-- name: PaymentListByIDs :many
select p.payment_id, p.kind, p.source, p.external_id, p.account_id, p.occurred_at, p.status, p.amount, p.currency, p.invoice, p.charge, p.reason
from payment p
where p.payment_id = any (@ids::bigint[])
order by p.payment_id;

-- Whole movements as they are known and to be seen now, the latest first. What came to nothing,
-- such as a change of plans at one price, is left out.
-- name: MrrMovementPage :many
select m.movement_id, m.account_id, m.at, m.kind, m.currency, m.recorded_at, sum(m.amount)::bigint as amount,
  array_agg(m.subscription_id order by m.subscription_id, m.plan_id)::bigint[] as subscription_ids,
  array_agg(m.plan_id order by m.subscription_id, m.plan_id)::bigint[] as plan_ids,
  array_agg(m.amount order by m.subscription_id, m.plan_id)::bigint[] as amounts
from mrr_movement m
where m.at >= @since::timestamptz
  and m.at < @before::timestamptz
  and (m.at, m.movement_id) < (@after_at::timestamptz, @after_id::bigint)
  and m.superseded_at is null
  and m.shown_at <= now()
  and (m.hidden_at is null or m.hidden_at > now())
  and (sqlc.narg(account_id)::bigint is null or m.account_id = sqlc.narg(account_id))
  and (sqlc.narg(kind)::text is null or m.kind = sqlc.narg(kind))
group by m.movement_id, m.account_id, m.at, m.kind, m.currency, m.recorded_at
having sum(m.amount) <> 0
order by m.at desc, m.movement_id desc
limit @most;

-- name: MrrMovementListByIDs :many
select m.movement_id, m.account_id, m.at, m.kind, m.currency, m.recorded_at, sum(m.amount)::bigint as amount,
  array_agg(m.subscription_id order by m.subscription_id, m.plan_id)::bigint[] as subscription_ids,
  array_agg(m.plan_id order by m.subscription_id, m.plan_id)::bigint[] as plan_ids,
  array_agg(m.amount order by m.subscription_id, m.plan_id)::bigint[] as amounts
from mrr_movement m
where m.movement_id = any (@ids::bigint[])
  and m.shown_at <= now()
group by m.movement_id, m.account_id, m.at, m.kind, m.currency, m.recorded_at
order by m.movement_id;

-- What accounts come to now, in each currency.
-- name: MrrOfAccounts :many
select m.account_id, m.currency, sum(m.amount)::bigint as amount
from mrr_movement m
where m.account_id = any (@account_ids::bigint[])
  and m.superseded_at is null
  and m.shown_at <= now()
  and (m.hidden_at is null or m.hidden_at > now())
group by m.account_id, m.currency
having sum(m.amount) <> 0
order by m.account_id, m.currency;

-- The rates that hold, the latest day first.
-- name: FxRatePage :many
select r.rate_id, r.base, r.currency, r.day, r.rate::text as rate, r.recorded_at
from fx_rate r
where r.superseded_at is null
  and (r.day, r.rate_id) < (@after_day::date, @after_id::bigint)
  and (sqlc.narg(base)::text is null or r.base = sqlc.narg(base))
  and (sqlc.narg(currency)::text is null or r.currency = sqlc.narg(currency))
order by r.day desc, r.rate_id desc
limit @most;

-- name: FxRateListByIDs :many
select r.rate_id, r.base, r.currency, r.day, r.rate::text as rate, r.recorded_at
from fx_rate r
where r.rate_id = any (@ids::bigint[])
order by r.rate_id;

-- Of the plans that accounts are on now, the one that comes to most.
-- name: PlanOfAccounts :many
select distinct on (s.account_id) s.account_id, s.plan_id
from subscription s
where s.account_id = any (@account_ids::bigint[])
  and coalesce(s.started_at, s.trial_starts_at, s.occurred_at) <= now()
  and (s.ended_at is null or s.ended_at > now())
  and (s.status in ('TRIALING', 'ACTIVE', 'PAST_DUE') or s.status = 'CANCELED' and s.period_ends_at > now())
order by s.account_id, s.monthly desc, s.subscription_id;

-- As InvoicePage, for each of several accounts.
-- name: InvoicePageOfAccounts :many
select
  i.invoice_id, i.source, i.external_id, i.account_id, i.occurred_at, i.number, i.status, i.currency,
  i.subtotal, i.discount, i.tax, i.total, i.issued_at, i.due_at, i.paid_at, i.lines, i.subscription
from unnest(@account_ids::bigint[]) as w (account_id)
cross join lateral (
  select o.*
  from invoice o
  where o.account_id = w.account_id and o.invoice_id < @before_id
  order by o.invoice_id desc
  limit @most
) i
order by i.account_id, i.invoice_id desc;

-- As MrrMovementPage, for each of several accounts.
-- name: MrrMovementPageOfAccounts :many
select m.movement_id, m.account_id, m.at, m.kind, m.currency, m.recorded_at, m.amount, m.subscription_ids, m.plan_ids, m.amounts
from unnest(@account_ids::bigint[]) as w (account_id)
cross join lateral (
  select o.movement_id, o.account_id, o.at, o.kind, o.currency, o.recorded_at, sum(o.amount)::bigint as amount,
    array_agg(o.subscription_id order by o.subscription_id, o.plan_id)::bigint[] as subscription_ids,
    array_agg(o.plan_id order by o.subscription_id, o.plan_id)::bigint[] as plan_ids,
    array_agg(o.amount order by o.subscription_id, o.plan_id)::bigint[] as amounts
  from mrr_movement o
  where o.account_id = w.account_id
    and o.at <= @after_at::timestamptz
    and (o.at, o.movement_id) < (@after_at, @after_id::bigint)
    and o.superseded_at is null
    and o.shown_at <= now()
    and (o.hidden_at is null or o.hidden_at > now())
  group by o.movement_id, o.account_id, o.at, o.kind, o.currency, o.recorded_at
  having sum(o.amount) <> 0
  order by o.at desc, o.movement_id desc
  limit @most
) m
order by m.account_id, m.at desc, m.movement_id desc;
