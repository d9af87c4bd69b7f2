-- Worker: whom there is something to summarize of, and since when.
-- name: SummaryTenantList :many
select t.tenant_id, t.zone, t.week_start, t.currency, f.first_day::date as first_day
from tenant t
cross join lateral (
  select min(v.day) as first_day
  from counted_day v
  where v.tenant_id = t.tenant_id
) f
where t.suspended_at is null and f.first_day is not null
order by t.tenant_id;

-- Worker: the same of one tenant.
-- name: SummaryTenantGet :one
select t.tenant_id, t.zone, t.week_start, t.currency, f.first_day::date as first_day
from tenant t
cross join lateral (
  select min(v.day) as first_day
  from counted_day v
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

-- Worker: the metrics that some tenants have defined themselves, and by which version.
-- name: SummaryDefinitions :many
select v.tenant_id, v.key, v.version
from metric_definition_version v
where v.tenant_id = any (@tenant_ids::uuid[]) and v.ended_at is null
order by v.tenant_id, v.key;

-- Worker: of these tenants, those of which something that was summarized may have changed since,
-- or is defined otherwise now. Whatever there is of a tenant, a few days of it are read.
-- name: SummaryLookDue :many
select u.tenant_id::uuid as tenant_id
from unnest(@tenant_ids::uuid[], @definitions::text[]) as u (tenant_id, definitions)
left join summary_look l on l.tenant_id = u.tenant_id
left join past_change p on p.tenant_id = u.tenant_id
where case
  when l.definitions is distinct from u.definitions then true
  when l.past <> coalesce(p.revision, 0) then true
  else l.recent <> coalesce((
    select sum(v.version)
    from counted_day v
    where v.tenant_id = u.tenant_id and v.day >= l.since and v.day < l.until
  ), 0)
end
order by u.tenant_id;

-- Worker: of these tenants, those of which something that was summarized has changed since, or is
-- defined otherwise now.
-- name: SummarizedStaleTenants :many
select distinct n.tenant_id
from summarized_now n
join unnest(@tenant_ids::uuid[], @definitions::text[]) as u (tenant_id, definitions) on u.tenant_id = n.tenant_id
where n.tenant_id = any (@tenant_ids) and (n.was <> n.total or n.definitions <> u.definitions)
order by n.tenant_id;

-- Worker: whoever is at work on a tenant's summaries has not looked at all of them yet.
-- name: SummaryLookBegin :exec
delete from summary_look where tenant_id = @tenant_id;

-- Worker: notes that all that is summarized of a tenant holds, if it does.
-- name: SummaryLookEnd :exec
insert into summary_look (tenant_id, until, past, since, recent, definitions)
select
  @tenant_id, h.until, coalesce((select p.revision from past_change p where p.tenant_id = @tenant_id), 0), h.since,
  coalesce((select sum(v.version) from counted_day v where v.tenant_id = @tenant_id and v.day >= h.since and v.day < h.until), 0),
  @looked
from (
  select max(n.period_end) as until, current_date - 3 as since, bool_and(n.was = n.total and n.definitions = @definitions::text) as holds
  from summarized_now n
  where n.tenant_id = @tenant_id
) h
where h.holds
on conflict (tenant_id) do update
set until = excluded.until, past = excluded.past, since = excluded.since, recent = excluded.recent, definitions = excluded.definitions;

-- Worker: the periods of a tenant that have changed since they were summarized, the earliest
-- first.
-- name: SummarizedStaleList :many
select n.period::summary_period as period, n.period_start::date as period_start, n.was::bigint as data_version, n.found_at::timestamptz as found_at
from summarized_now n
where n.tenant_id = @tenant_id and (n.was <> n.total or n.definitions <> @definitions::text)
order by n.period, n.period_start;

-- Worker: what the versions of a tenant's days before each of these come to.
-- name: SummaryDataVersions :many
select
  u.before::date as before,
  coalesce((select sum(v.version) from counted_day v where v.tenant_id = @tenant_id and v.day < u.before), 0)::bigint as data_version
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
select summary_id, metric, period_start, version, value, unit, currency, definition_version
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

-- Worker: the first day of which movements, trials or rates were changed since each of some
-- instants; none if nothing was.
-- name: SummaryEarningsSince :many
select u.since::timestamptz as since, c.day::date as day
from unnest(@sinces::timestamptz[]) as u (since)
cross join lateral (
  select least(
    (select min(m.day) from mrr_movement m where m.tenant_id = @tenant_id and (m.recorded_at > u.since or m.superseded_at > u.since)),
    (select min((t.started_at at time zone o.zone)::date) from trial t where t.tenant_id = @tenant_id and (t.recorded_at > u.since or t.superseded_at > u.since)),
    (select min(r.day) from fx_rate r where r.tenant_id = @tenant_id and r.recorded_at > u.since)
  ) as day
  from tenant o
  where o.tenant_id = @tenant_id
) c
where c.day is not null
order by u.since;

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
