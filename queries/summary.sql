-- Worker: whom there is something to summarize of, and since when.
-- name: SummaryTenantList :many
select t.tenant_id, t.zone, t.week_start, f.first_day::date as first_day
from tenant t
cross join lateral (
  select min(v.day) as first_day
  from day_version v
  where v.tenant_id = t.tenant_id
) f
where t.suspended_at is null and f.first_day is not null
order by t.tenant_id;

-- Worker: the same of one tenant.
-- name: SummaryTenantGet :one
select t.tenant_id, t.zone, t.week_start, f.first_day::date as first_day
from tenant t
cross join lateral (
  select min(v.day) as first_day
  from day_version v
  where v.tenant_id = t.tenant_id
) f
where t.tenant_id = @tenant_id and f.first_day is not null;

-- Worker: of these tenants, those whose latest day that is over has not been summarized.
-- name: SummarizedMissing :many
select u.tenant_id::uuid as tenant_id
from unnest(@tenant_ids::uuid[], @days::date[]) as u (tenant_id, day)
where not exists (
  select
  from summarized s
  where s.tenant_id = u.tenant_id and s.period = 'DAY' and s.period_start = u.day
)
order by u.tenant_id;

-- Worker: what has been summarized of a tenant.
-- name: SummarizedList :many
select period, period_start
from summarized
where tenant_id = @tenant_id
order by period, period_start;

-- Worker: of these tenants, those of which something that was summarized has changed since, or
-- is defined otherwise now. All days and all periods go through one sum that runs along the days.
-- name: SummarizedStaleTenants :many
with steps as (
  select v.tenant_id, v.day, v.version, null::bigint as was, null::text as definitions
  from day_version v
  union all
  select s.tenant_id, s.period_end, 0, s.data_version, s.definitions
  from summarized s
  join tenant t on t.tenant_id = s.tenant_id
  where s.period <> 'WEEK' or extract(dow from s.period_start) = t.week_start
),
summed as (
  select p.tenant_id, p.was, p.definitions, sum(p.version) over (partition by p.tenant_id order by p.day, p.was is null) as total
  from steps p
)
select distinct m.tenant_id
from summed m
join unnest(@tenant_ids::uuid[], @definitions::text[]) as u (tenant_id, definitions) on u.tenant_id = m.tenant_id
where m.was <> m.total or m.definitions <> u.definitions
order by m.tenant_id;

-- Worker: the periods of a tenant that have changed since they were summarized, the earliest
-- first, and what the versions of the days before their end come to now.
-- name: SummarizedStaleList :many
with steps as (
  select v.day, v.version, null::summary_period as period, null::date as period_start, null::bigint as was, null::text as definitions, null::timestamptz as found_at
  from day_version v
  where v.tenant_id = @tenant_id
  union all
  select s.period_end, 0, s.period, s.period_start, s.data_version, s.definitions, s.found_at
  from summarized s
  join tenant t on t.tenant_id = s.tenant_id
  where s.tenant_id = @tenant_id and (s.period <> 'WEEK' or extract(dow from s.period_start) = t.week_start)
),
summed as (
  select
    p.period, p.period_start, p.was, p.definitions, p.found_at,
    sum(p.version) over (order by p.day, p.was is null)::bigint as total
  from steps p
)
select m.period::summary_period as period, m.period_start::date as period_start, m.was::bigint as data_version, m.found_at::timestamptz as found_at
from summed m
where m.was is not null and (m.was <> m.total or m.definitions <> @definitions::text)
order by m.period, m.period_start;

-- Worker: what the versions of a tenant's days before each of these come to.
-- name: SummaryDataVersions :many
select
  u.before::date as before,
  coalesce((select sum(v.version) from day_version v where v.tenant_id = @tenant_id and v.day < u.before), 0)::bigint as data_version
from unnest(@befores::date[]) as u (before)
order by u.before;

-- Worker: one transaction at a time writes what a tenant's figures were.
-- name: SummaryLock :exec
select pg_advisory_xact_lock(hashtextextended('summary ' || @tenant_id::text, 0));

-- Worker: gives those that nobody has summarized meanwhile.
-- name: SummarizedInsert :many
insert into summarized (tenant_id, period, period_start, period_end, data_version, definitions, found_at)
select @tenant_id, @period, u.period_start, u.period_end, u.data_version, @definitions, @found_at
from unnest(@period_starts::date[], @period_ends::date[], @data_versions::bigint[]) as u (period_start, period_end, data_version)
order by u.period_start
on conflict (tenant_id, period, period_start) do nothing
returning period_start;

-- Worker: gives those that nobody has summarized anew meanwhile.
-- name: SummarizedAdvance :many
update summarized s
set data_version = u.data_version, definitions = @definitions, found_at = @found_at
from unnest(@period_starts::date[], @data_versions::bigint[], @wases::bigint[]) as u (period_start, data_version, was)
where s.tenant_id = @tenant_id and s.period = @period and s.period_start = u.period_start and s.data_version = u.was
returning s.period_start;

-- Worker: NaN stands for the value of nothing.
-- name: SummaryInsert :exec
insert into summary (
  tenant_id, summary_id, metric, period, period_start, starts_at, ends_at, zone, version, value, unit, currency,
  definition_version, exact, data_version, found_at, was, causes, late_events, because
)
select
  @tenant_id, u.summary_id, u.metric, @period, u.period_start, u.starts_at, u.ends_at, @zone, u.version, nullif(u.value, 'NaN'),
  u.unit, nullif(u.currency, ''), u.definition_version, u.exact, u.data_version, @found_at, nullif(u.was, 'NaN'),
  string_to_array(u.causes, ' ')::restatement_cause[], u.late_events, string_to_array(u.because, ' ')
from unnest(
  @summary_ids::uuid[], @metrics::text[], @period_starts::date[], @starts_ats::timestamptz[], @ends_ats::timestamptz[],
  @versions::int[], @values::double precision[], @units::text[], @currencies::text[], @definition_versions::int[], @exacts::boolean[],
  @data_versions::bigint[], @wases::double precision[], @causes::text[], @late_events::bigint[], @becauses::text[]
) as u (
  summary_id, metric, period_start, starts_at, ends_at, version, value, unit, currency, definition_version, exact,
  data_version, was, causes, late_events, because
);

-- Worker: the figures that hold of some periods.
-- name: SummaryHolding :many
select summary_id, metric, period_start, version, value, unit, definition_version
from summary
where tenant_id = @tenant_id and period = @period and period_start = any (@period_starts::date[]) and superseded_at is null
order by period_start, metric;

-- Worker: they hold no longer.
-- name: SummarySupersede :exec
update summary
set superseded_at = now()
where tenant_id = @tenant_id and summary_id = any (@summary_ids::uuid[]);

-- Worker: they hold still, of other data.
-- name: SummaryConfirm :exec
update summary s
set data_version = u.data_version, definition_version = u.definition_version, found_at = @found_at
from unnest(@summary_ids::uuid[], @data_versions::bigint[], @definition_versions::int[]) as u (summary_id, data_version, definition_version)
where s.tenant_id = @tenant_id and s.summary_id = u.summary_id;

-- Worker: how many events of each period came after its figures had been found.
-- name: SummaryLateEvents :many
select
  u.n::int as n,
  (
    select count(*)
    from event e
    where e.tenant_id = @tenant_id and e.occurred_at >= u.starts and e.occurred_at < u.ends and e.received_at > u.since
  )::bigint as late
from unnest(@ns::int[], @starts::timestamptz[], @ends::timestamptz[], @sinces::timestamptz[]) as u (n, starts, ends, since)
order by u.n;

-- Worker: whether any event from before an instant came since another.
-- name: SummaryLateBefore :one
select exists (
  select
  from event e
  where e.tenant_id = @tenant_id and e.occurred_at < @before and e.received_at > @since
);

-- Worker: what was corrected about who is who since an instant, and by when those whom it is
-- about had been seen; of an erasure nobody knows that any more.
-- name: SummaryCorrections :many
select c.cause::restatement_cause as cause, c.because::text as because, c.at::timestamptz as at, c.seen_by::date as seen_by
from (
  select 'IDENTITY' as cause, 'merge:' || m.merge_id as because, coalesce(m.undone_at, m.made_at) as at,
    coalesce(greatest(f.first_seen_day, i.first_seen_day), 'epoch') as seen_by
  from person_merge m
  left join identity f on f.tenant_id = m.tenant_id and f.identity_id = m.from_id
  left join identity i on i.tenant_id = m.tenant_id and i.identity_id = m.into_id
  where m.tenant_id = @tenant_id and (m.made_at > @since or m.undone_at > @since)
  union all
  select 'IDENTITY', 'identity:' || c.identity_ids[1], c.made_at, coalesce(i.first_seen_day, 'epoch')
  from identity_correction c
  left join identity i on i.tenant_id = c.tenant_id and i.identity_id = c.identity_ids[1]
  where c.tenant_id = @tenant_id and c.kind in ('DETACH', 'REATTACH') and c.made_at > @since
  union all
  select 'ERASURE', 'erasure:' || e.erasure_id, greatest(e.forgotten_at, e.database_done_at), 'epoch'
  from erasure e
  where e.tenant_id = @tenant_id and (e.forgotten_at > @since or e.database_done_at > @since)
) c
order by c.at, c.because;

-- The figures of a metric, of the latest period first, as they were known at an instant; now
-- unless it is given. Weeks that began on another day, before that was changed, are left out.
-- name: SummaryPage :many
select
  summary_id, metric, period, period_start, starts_at, ends_at, zone, version, value, unit, currency, definition_version, exact,
  data_version, found_at, recorded_at, superseded_at, was, causes::text[] as causes, late_events, because
from summary
where metric = @metric
  and period = @period
  and period_start >= @from_day
  and period_start < @to_day
  and (period <> 'WEEK' or extract(dow from period_start) = (select week_start from tenant))
  and recorded_at <= coalesce(sqlc.narg(as_of), 'infinity'::timestamptz)
  and (superseded_at is null or superseded_at > coalesce(sqlc.narg(as_of), 'infinity'::timestamptz))
order by period_start desc
limit @most;

-- name: SummaryGetByIDs :many
select
  summary_id, metric, period, period_start, starts_at, ends_at, zone, version, value, unit, currency, definition_version, exact,
  data_version, found_at, recorded_at, superseded_at, was, causes::text[] as causes, late_events, because
from summary
where summary_id = any (@summary_ids::uuid[])
order by summary_id;

-- All that some figures ever were, the latest first.
-- name: SummaryHistory :many
select
  s.summary_id, s.metric, s.period, s.period_start, s.starts_at, s.ends_at, s.zone, s.version, s.value, s.unit, s.currency, s.definition_version, s.exact,
  s.data_version, s.found_at, s.recorded_at, s.superseded_at, s.was, s.causes::text[] as causes, s.late_events, s.because
from unnest(@metrics::text[], @periods::text[], @period_starts::date[]) as u (metric, period, period_start)
cross join lateral (
  select h.*
  from summary h
  where h.metric = u.metric and h.period = u.period::summary_period and h.period_start = u.period_start
  order by h.version desc
  limit @most
) s
order by s.metric, s.period, s.period_start, s.version desc;

-- What was restated, the latest first.
-- name: RestatementPage :many
select
  summary_id, metric, period, period_start, starts_at, ends_at, zone, version, value, unit, currency, definition_version, exact,
  data_version, found_at, recorded_at, superseded_at, was, causes::text[] as causes, late_events, because
from summary
where version > 1
  and summary_id < @before_id
  and metric = any (@metrics::text[])
  and (sqlc.narg(period)::summary_period is null or period = sqlc.narg(period))
  and period_start >= @from_day
  and period_start < @to_day
  and (period <> 'WEEK' or extract(dow from period_start) = (select week_start from tenant))
order by summary_id desc
limit @most;
