-- Visits by the bucket in which they start. Days of the tenant's zone come as they are kept
-- where neither they nor the days before them have changed since, parts of such days from
-- their quarter hours, and everything else from the events. Where those are in the archive,
-- what was kept stands. Doubtful is what could not be told from anything current.
-- name: VisitCountByBucket :many
with piece as materialized (
  select
    p.bucket, p.day, p.starts, p.ends, p.whole, p.kept,
    p.starts < @kept_before::timestamptz as archived,
    coalesce(v.version, 0) as version,
    coalesce(b.version, 0) as version_before
  from unnest(
    @buckets::int[], @days::date[], @starts::timestamptz[], @ends::timestamptz[], @wholes::boolean[], @kepts::boolean[]
  ) as p (bucket, day, starts, ends, whole, kept)
  left join day_version v on v.day = p.day
  left join day_version b on b.day = p.day - 1
),
found as (
  select
    p.bucket, p.starts, p.ends, p.whole, p.archived,
    k.day is not null as kept,
    k.visits,
    coalesce(k.version = p.version and k.version_before = p.version_before, false) as current,
    p.version = 0 as nothing
  from piece p
  left join visit_day k on p.kept and k.day = p.day
    and (p.archived or k.version = p.version and k.version_before = p.version_before)
)
select
  f.bucket::int as bucket,
  sum(case
    when f.kept and f.whole then f.visits
    when f.kept then (select coalesce(sum(s.visits), 0) from visit_slot s where s.at >= f.starts and s.at < f.ends)
    else (select count(*) from visit_starts(current_tenant(), f.starts, f.ends))
  end)::bigint as n,
  count(*) filter (where f.kept and f.whole) as closed,
  count(*) filter (where f.kept and not f.whole) as open,
  count(*) filter (where not f.kept) as raw,
  count(*) filter (where f.archived and not f.current and not f.nothing) as doubtful
from found f
group by f.bucket
order by f.bucket;

-- Worker: the first closed days of each tenant whose visits are not kept as they are now, from
-- the day on from which its events are there.
-- name: VisitStaleList :many
select s.tenant_id::uuid as tenant_id, s.day::date as day
from (
  select v.tenant_id, v.day, row_number() over (partition by v.tenant_id order by v.day) as place
  from unnest(@tenant_ids::uuid[], @first_days::date[]) f (tenant_id, first_day)
  join closing c on c.tenant_id = f.tenant_id
  join day_version v on v.tenant_id = f.tenant_id and v.day >= f.first_day and v.day < c.closed_before
  left join day_version b on b.tenant_id = v.tenant_id and b.day = v.day - 1
  left join visit_day k on k.tenant_id = v.tenant_id and k.day = v.day
  where (k.version, k.version_before) is distinct from (v.version, coalesce(b.version, 0))
) s
where s.place <= @most::bigint
order by s.tenant_id, s.day;

-- Worker: works one day out and keeps it, by the versions in its snapshot.
-- name: VisitKeep :exec
with slot as materialized (
  select date_bin('15 minutes', v.at, 'epoch') as at, count(*) as visits
  from visit_starts(sqlc.arg(tenant_id), sqlc.arg(starts), sqlc.arg(ends)) v
  group by 1
),
gone as (
  delete from visit_slot s
  where s.tenant_id = @tenant_id
    and s.at >= sqlc.arg(starts)
    and s.at < sqlc.arg(ends)
    and not exists (select from slot n where n.at = s.at)
),
kept as (
  insert into visit_slot as s (tenant_id, at, visits)
  select @tenant_id, n.at, n.visits
  from slot n
  on conflict (tenant_id, at) do update
  set visits = excluded.visits
  where s.visits <> excluded.visits
)
insert into visit_day as k (tenant_id, day, version, version_before, visits)
select
  @tenant_id,
  sqlc.arg(day),
  coalesce((select v.version from day_version v where v.tenant_id = @tenant_id and v.day = sqlc.arg(day)), 0),
  coalesce((select v.version from day_version v where v.tenant_id = @tenant_id and v.day = sqlc.arg(day)::date - 1), 0),
  coalesce((select sum(n.visits) from slot n), 0)
on conflict (tenant_id, day) do update
set version = excluded.version, version_before = excluded.version_before, visits = excluded.visits;

-- Worker: from when on the events of those are all there who have some in the archive.
-- name: VisitRawSinceList :many
select p.tenant_id, ((max(p.month) + interval '1 month') at time zone 'UTC')::timestamptz as raw_since
from archive_part p
where p.state = 'dropped'
group by p.tenant_id
order by p.tenant_id;
