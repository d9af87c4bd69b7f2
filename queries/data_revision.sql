-- Under what answers are read: how often each subject has changed; of the tenant's settings,
-- which version of their row it is; and until which month raw events are in the archive alone.
-- Whoever has no settings gets no row.
-- name: DataRevisionList :many
select now()::timestamptz as at, ''::text as subject, t.xmin::text::bigint as revision
from tenant t
union all
select now(), r.subject, r.revision
from data_revision r
union all
(
  select now(), 'archive', extract(epoch from p.month)::bigint
  from archive_part p
  where p.state = 'dropped'
  order by p.month desc
  limit 1
);

-- Worker: counts a change of a subject of some tenants, once in a transaction.
-- name: DataRevisionBump :exec
insert into data_revision as r (tenant_id, subject)
select t.tenant_id, @subject
from unnest(@tenant_ids::uuid[]) as t (tenant_id)
order by t.tenant_id
on conflict (tenant_id, subject) do update
set revision = r.revision + 1, changed_by = excluded.changed_by
where r.changed_by <> excluded.changed_by;
