-- Worker: the evaluations that are to be begun, or taken over.
-- name: CohortDue :many
select e.tenant_id, e.evaluation_id, e.attempt
from cohort_evaluation e
join tenant t on t.tenant_id = e.tenant_id
where e.state in ('QUEUED', 'RUNNING') and e.due_at <= now() and t.suspended_at is null
order by e.due_at, e.tenant_id, e.evaluation_id
limit @most;

-- Worker: asks for an evaluation of each cohort whose members may be others by now: time has
-- moved its windows, or what it was found from has changed. Not more often than now and then,
-- and of what keeps its members only until it has some.
-- name: CohortAskDue :execrows
insert into cohort_evaluation (tenant_id, cohort_id, version, reason, leaves)
select c.tenant_id, c.cohort_id, c.version, 'DATA', last.leaves
from cohort c
cross join lateral (
  select e.state, e.requested_at, e.leaves
  from cohort_evaluation e
  where e.tenant_id = c.tenant_id and e.cohort_id = c.cohort_id
  order by e.evaluation_id desc
  limit 1
) last
join tenant t on t.tenant_id = c.tenant_id
where c.removed_at is null
  and t.suspended_at is null
  and last.state in ('DONE', 'FAILED')
  and last.requested_at <= now() - make_interval(secs => @rest::float8)
  and (
    c.found_by is distinct from c.version
    or c.kind = 'DYNAMIC' and (
      c.moves_at <= now()
      or exists (
        select
        from jsonb_each_text(c.basis) b
        left join data_revision r on r.tenant_id = c.tenant_id and r.subject = b.key
        where coalesce(r.revision, 0) <> b.value::bigint
      )
    )
  )
order by c.tenant_id, c.cohort_id
on conflict (tenant_id, cohort_id) where state in ('QUEUED', 'RUNNING') do nothing;

-- Worker: begins an evaluation, unless somebody else has since it was found to be due. It is
-- left alone until the time is over within which more is to be heard of it.
-- name: CohortEvaluationTake :one
update cohort_evaluation e
set state = 'RUNNING', attempt = e.attempt + 1, leaves_done = 0, due_at = now() + make_interval(secs => @lease::float8)
from cohort c
where e.tenant_id = @tenant_id
  and e.evaluation_id = @evaluation_id
  and e.attempt = @attempt
  and e.state in ('QUEUED', 'RUNNING')
  and e.due_at <= now()
  and c.tenant_id = e.tenant_id
  and c.cohort_id = e.cohort_id
returning e.cohort_id, e.attempt, e.version, e.leaves, c.condition, c.name;

-- Worker: tells how far it is. No row: somebody else has it.
-- name: CohortEvaluationTell :execrows
update cohort_evaluation
set leaves_done = @leaves_done, due_at = now() + make_interval(secs => @lease::float8)
where tenant_id = @tenant_id and evaluation_id = @evaluation_id and attempt = @attempt and state = 'RUNNING';

-- Worker: it failed, and is tried again later, or given up.
-- name: CohortEvaluationFail :execrows
update cohort_evaluation
set
  state = case when @final::boolean then 'FAILED' else 'QUEUED' end::cohort_evaluation_state,
  finished_at = case when @final then now() end,
  due_at = now() + make_interval(secs => @pause::float8),
  error = @error::text
where tenant_id = @tenant_id and evaluation_id = @evaluation_id and attempt = @attempt and state = 'RUNNING';

-- Worker: from here on nobody else ends it, nor changes the cohort. No row: somebody else has it.
-- name: CohortEvaluationLock :one
select c.cohort_id
from cohort c
join cohort_evaluation e on e.tenant_id = c.tenant_id and e.cohort_id = c.cohort_id
where e.tenant_id = @tenant_id
  and e.evaluation_id = @evaluation_id
  and e.attempt = @attempt
  and e.state = 'RUNNING'
  and e.version = c.version
  and c.removed_at is null
  and (c.evaluated_at is null or c.evaluated_at < @at::timestamptz)
for update;

-- Worker: those who were found enter, unless they are in, and all others leave. Who is who is
-- what it is now: it may have changed since they were found.
-- name: CohortMembersSettle :one
with found as materialized (
  select i.person_id, min(i.identity_id) filter (where i.identity_id = u.id) as identity_id
  from unnest(@person_ids::bigint[]) as u (id)
  join identity i on i.tenant_id = @tenant_id and i.identity_id = u.id
  group by i.person_id
),
held as materialized (
  select m.identity_id, i.person_id
  from cohort_member m
  left join identity i on i.tenant_id = m.tenant_id and i.identity_id = m.identity_id
  where m.tenant_id = @tenant_id and m.cohort_id = @cohort_id and m.left_at is null
),
gone as (
  update cohort_member m
  set left_at = @at::timestamptz
  from held h
  where m.tenant_id = @tenant_id
    and m.cohort_id = @cohort_id
    and m.identity_id = h.identity_id
    and m.left_at is null
    and not exists (select from found f where f.person_id = h.person_id)
  returning h.person_id
),
fresh as (
  insert into cohort_member (tenant_id, cohort_id, identity_id, entered_at)
  select @tenant_id, @cohort_id, f.identity_id, @at
  from found f
  where not exists (select from held h where h.person_id = f.person_id)
  returning identity_id
)
select
  (select count(*) from found)::bigint as size,
  (select count(*) from fresh)::bigint as entered,
  (select count(distinct g.person_id) from gone g)::bigint as departed;

-- Worker.
-- name: CohortEvaluationEnd :exec
update cohort_evaluation
set
  state = 'DONE', leaves_done = leaves, at = @at::timestamptz, finished_at = now(), exact = @exact::boolean,
  size = @size::bigint, entered = @entered::bigint, departed = @departed::bigint, error = null
where tenant_id = @tenant_id and evaluation_id = @evaluation_id;

-- Worker.
-- name: CohortFound :exec
update cohort
set found_by = @version::int, evaluated_at = @at::timestamptz, size = @size::bigint, moves_at = sqlc.narg(moves_at), basis = @basis
where tenant_id = @tenant_id and cohort_id = @cohort_id;
