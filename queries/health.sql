-- Health: what counts for how well accounts do, and what they come to.
-- name: HealthModelGet :one
select
  version, inputs, changed_at, changed_by, state, inputs_done, error, calculated_at, accounts, complete
from health_model;

-- Whoever changes scores by hand, or what counts for them, takes turns with who calculates them.
-- name: HealthTakeTurn :one
select version
from health_model
for update;

-- What counts from then on: whatever is being calculated is too late.
-- name: HealthModelSet :one
insert into health_model as m (inputs, changed_by)
values (@inputs, @changed_by)
on conflict (tenant_id) do update
set
  version = m.version + 1, inputs = excluded.inputs, changed_at = now(), changed_by = excluded.changed_by,
  state = 'WAITING', attempt = m.attempt + 1, failures = 0, due_at = now(), inputs_done = 0, error = null
returning version;

-- Time changes a score by then at the latest.
-- name: HealthMoves :exec
update health_model
set moves_at = least(moves_at, @at::timestamptz);

-- Worker: the tenants whose scores are to be calculated: what counts is another thing, data have
-- changed, time has gone on, or the last attempt failed.
-- name: HealthDue :many
select m.tenant_id, m.attempt
from health_model m
join tenant t on t.tenant_id = m.tenant_id
where m.due_at <= now()
  and t.suspended_at is null
  and (
    m.state <> 'DONE'
    or m.moves_at <= now()
    or exists (
      select
      from jsonb_each_text(m.basis) b
      left join data_revision r on r.tenant_id = m.tenant_id and r.subject = b.key
      where coalesce(r.revision, 0) <> b.value::bigint
    )
  )
order by m.due_at, m.tenant_id
limit @most;

-- Worker: begins a calculation, unless somebody else has since it was found to be due. It is left
-- alone until the time is over within which more is to be heard of it.
-- name: HealthTake :one
update health_model
set state = 'RUNNING', attempt = attempt + 1, inputs_done = 0, due_at = now() + make_interval(secs => @lease::float8)
where tenant_id = @tenant_id and attempt = @attempt and due_at <= now()
returning version, attempt, inputs, coalesce(found_by, 0)::int as found_by, failures;

-- Worker: tells how far it is. No row: somebody else has it.
-- name: HealthTell :execrows
update health_model
set inputs_done = @inputs_done, due_at = now() + make_interval(secs => @lease::float8)
where tenant_id = @tenant_id and attempt = @attempt and state = 'RUNNING';

-- Worker: it failed, and is tried again later.
-- name: HealthFail :execrows
update health_model
set state = 'FAILED', failures = failures + 1, error = @error::text, due_at = now() + make_interval(secs => @pause::float8)
where tenant_id = @tenant_id and attempt = @attempt and state = 'RUNNING';

-- Worker: from here on nobody else ends it, nor changes a score. No row: somebody else has it.
-- name: HealthLock :one
select version
from health_model
where tenant_id = @tenant_id and attempt = @attempt and state = 'RUNNING'
for update;

-- Worker: ends overrides whose time is over.
-- name: HealthOverrideExpire :many
update health_override
set ended_at = expires_at
where tenant_id = @tenant_id and ended_at is null and expires_at <= now()
returning account_id;

-- Worker: when the next override ends.
-- name: HealthNextExpiry :one
select coalesce(min(expires_at), '9999-12-31')::timestamptz as at
from health_override
where tenant_id = @tenant_id and ended_at is null;

-- Worker: what accounts come to from then on, with what that changes: their band, and their day.
-- An override holds instead of what was calculated; -1 is nothing.
-- name: HealthSettle :one
with given as materialized (
  select u.account_id, nullif(u.calculated, -1)::smallint as calculated, u.inputs::jsonb as inputs
  from unnest(@account_ids::bigint[], @calculated::int[], @inputs::text[]) as u (account_id, calculated, inputs)
),
found as materialized (
  select
    g.account_id, g.calculated, g.inputs, coalesce(o.score, g.calculated) as score,
    h.account_id is null as fresh, h.calculated as was_calculated, h.inputs as was_inputs, h.score as was_score, h.band as was_band
  from given g
  left join health_override o
    on o.tenant_id = @tenant_id and o.account_id = g.account_id and o.ended_at is null and o.expires_at > now()
  left join health_score h on h.tenant_id = @tenant_id and h.account_id = g.account_id
),
settled as (
  insert into health_score as h (tenant_id, account_id, calculated, score, inputs, changed_at)
  select @tenant_id, f.account_id, f.calculated, f.score, f.inputs, @at::timestamptz
  from found f
  where f.fresh
    or f.score is distinct from f.was_score
    or f.calculated is distinct from f.was_calculated
    or f.inputs is distinct from f.was_inputs
  order by f.account_id
  on conflict (tenant_id, account_id) do update
  set calculated = excluded.calculated, score = excluded.score, inputs = excluded.inputs, changed_at = excluded.changed_at
  returning account_id, score, band
),
moved as (
  insert into health_change (tenant_id, account_id, at, was, band, score, cause)
  select
    @tenant_id, s.account_id, @at, f.was_band, s.band, s.score,
    case when s.account_id = any (@overridden::bigint[]) then 'OVERRIDE' else @cause::health_cause end
  from settled s
  join found f on f.account_id = s.account_id
  where s.band is distinct from f.was_band
  order by s.account_id
  returning account_id
),
days as (
  insert into health_day as d (tenant_id, account_id, day, score)
  select @tenant_id, s.account_id, @day::date, s.score
  from settled s
  join found f on f.account_id = s.account_id
  where s.score is distinct from f.was_score
  order by s.account_id
  on conflict (tenant_id, account_id, day) do update
  set score = excluded.score
)
select (select count(*) from settled)::bigint as settled, (select count(*) from moved)::bigint as moved;

-- Worker: it is done, and rests.
-- name: HealthFound :exec
update health_model
set
  state = 'DONE', failures = 0, error = null, inputs_done = jsonb_array_length(inputs),
  found_by = version, calculated_at = @at::timestamptz, accounts = @accounts::int, complete = @complete::boolean,
  moves_at = @moves_at::timestamptz, basis = @basis,
  due_at = now() + make_interval(secs => @rest::float8)
where tenant_id = @tenant_id and attempt = @attempt;

-- All accounts.
-- name: HealthAccounts :many
select account_id
from account
order by account_id;

-- What was done for accounts in a window, and how often in the time before it.
-- name: HealthEvents :many
select
  a.account_id,
  count(*) filter (where e.occurred_at >= @middle::timestamptz)::bigint as events,
  count(*) filter (where e.occurred_at < @middle)::bigint as events_before,
  count(distinct i.person_id) filter (where e.occurred_at >= @middle)::bigint as people,
  count(distinct e.type) filter (where e.occurred_at >= @middle)::bigint as types
from event e
join account a on a.group_type = e.group_type and a.group_id = e.group_id
left join identity i on i.identity_id = e.identity_id
where e.occurred_at >= @starts::timestamptz
  and e.occurred_at < @ends::timestamptz
  and e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
  and (sqlc.narg(types)::text[] is null or e.type = any (sqlc.narg(types)::text[]))
group by a.account_id
order by a.account_id;

-- The last day on which somebody did something for each account.
-- name: HealthLastDays :many
select account_id, max(last_day)::date as day
from membership
group by account_id
order by account_id;

-- Numbers that were said of accounts, and when.
-- name: HealthTraits :many
select s.account_id, s.value::float8 as value, s.at::timestamptz as at
from (
  select
    p.subject_id as account_id,
    jsonb_path_query_first(p.once || p.traits, sqlc.arg(path)::text::jsonpath, '{}', true) as value,
    to_timestamp(coalesce(p.said_at ->> sqlc.arg(name)::text, p.once_at ->> sqlc.arg(name)::text)::bigint / 1e6) as at
  from profile p
  where p.subject = 'account'
) s
where jsonb_typeof(s.value) = 'number'
order by s.account_id;

-- Since when the oldest open invoice of each account is due, if one is open. Accounts without any
-- invoice are not among them.
-- name: HealthDues :many
select
  account_id,
  bool_or(status = 'OPEN')::boolean as open,
  coalesce(min(coalesce(due_at, issued_at)) filter (where status = 'OPEN'), 'epoch')::timestamptz as due_at
from invoice
where status in ('OPEN', 'PAID', 'UNCOLLECTIBLE')
group by account_id
order by account_id;

-- What accounts come to now.
-- name: HealthScoreList :many
select
  h.account_id, coalesce(h.calculated, -1)::int as calculated, coalesce(h.score, -1)::int as score, h.inputs, h.changed_at,
  o.override_id, coalesce(o.score, 0)::smallint as override_score, coalesce(o.reason, '')::text as reason,
  o.set_at, o.set_by, o.expires_at
from health_score h
left join health_override o on o.account_id = h.account_id and o.ended_at is null -- which the score still is
where h.account_id = any (@account_ids::bigint[])
order by h.account_id;

-- How many accounts are in each band.
-- name: HealthBands :many
select coalesce(band::text, '')::text as band, count(*)::bigint as n
from health_score
group by band
order by band;

-- What all accounts come to by calculation.
-- name: HealthCalculatedAll :many
select account_id, coalesce(calculated, -1)::int as calculated
from health_score
order by account_id;

-- What accounts came to at the end of days: those on which it became another, and the last such
-- day before the range.
-- name: HealthDays :many
select k.account_id::bigint as account_id, d.day, coalesce(d.score, -1)::int as score
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select n.day, n.score
  from health_day n
  where n.account_id = k.account_id and n.day >= @first_day
  union all
  (
    select b.day, b.score
    from health_day b
    where b.account_id = k.account_id and b.day < @first_day
    order by b.day desc
    limit 1
  )
) d
order by k.account_id, d.day;

-- name: HealthOverrideEnd :execrows
update health_override
set ended_at = now()
where account_id = @account_id and ended_at is null;

-- name: HealthOverrideInsert :exec
insert into health_override (override_id, account_id, score, reason, set_by, expires_at)
values (@override_id, @account_id, @score, @reason, @set_by, @expires_at);

-- What an account comes to by calculation.
-- name: HealthCalculated :one
select coalesce(h.calculated, -1)::int as calculated, coalesce(h.inputs, '[]')::jsonb as inputs, now()::timestamptz as at
from account a
left join health_score h on h.account_id = a.account_id
where a.account_id = @account_id;

-- A page of the changes of bands, the latest first: into some bands, of some accounts.
-- name: HealthChangePage :many
select
  change_id, account_id, at, coalesce(was::text, '')::text as was, coalesce(band::text, '')::text as band,
  coalesce(score, -1)::int as score, cause::text as cause
from health_change
where (sqlc.narg(account_id)::bigint is null or account_id = sqlc.narg(account_id))
  and (sqlc.narg(bands)::text[] is null or band::text = any (sqlc.narg(bands)::text[]))
  and at <= @before_at::timestamptz
  and (at, change_id) < (@before_at, @before_id::bigint)
order by at desc, change_id desc
limit @most;

-- name: HealthChangeListByIDs :many
select
  change_id, account_id, at, coalesce(was::text, '')::text as was, coalesce(band::text, '')::text as band,
  coalesce(score, -1)::int as score, cause::text as cause
from health_change
where change_id = any (@change_ids::bigint[])
order by change_id;

-- name: TimelineHealth :many
select k.account_id::bigint as of_id, c.change_id, c.at
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select o.change_id, o.at
  from health_change o
  where o.account_id = k.account_id
    and o.at >= @since::timestamptz
    and o.at <= @before_at::timestamptz
    and (o.at, o.change_id) < (@before_at, @before_id::bigint)
  order by o.at desc, o.change_id desc
  limit @most
) c
order by k.account_id, c.at desc, c.change_id desc;

-- Who belongs to an account in one of some bands.
-- name: CohortOfHealth :many
select distinct i.person_id
from health_score h
join membership m on m.account_id = h.account_id
join identity i on i.identity_id = m.identity_id
where h.band::text = any (@bands::text[])
order by i.person_id;
