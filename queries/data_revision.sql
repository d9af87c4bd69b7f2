-- Under what answers are read: the instant, the tenant's settings, and how often each subject
-- has changed.
-- name: DataRevisionGet :one
select
  now()::timestamptz as at,
  coalesce((select t::text from tenant t), '')::text as settings,
  coalesce((
    select (max(p.month) + interval '1 month') at time zone 'UTC'
    from archive_part p
    where p.state = 'dropped'
  ), 'epoch')::timestamptz as raw_since,
  coalesce((select array_agg(r.subject order by r.subject) from data_revision r), '{}')::text[] as subjects,
  coalesce((select array_agg(r.revision order by r.subject) from data_revision r), '{}')::bigint[] as revisions;

-- Worker: counts a change of a subject of some tenants, once in a transaction.
-- name: DataRevisionBump :exec
insert into data_revision as r (tenant_id, subject)
select t.tenant_id, @subject
from unnest(@tenant_ids::uuid[]) as t (tenant_id)
order by t.tenant_id
on conflict (tenant_id, subject) do update
set revision = r.revision + 1, changed_by = excluded.changed_by
where r.changed_by <> excluded.changed_by;
