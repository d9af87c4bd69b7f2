-- Cohorts: what they are, when they were found, and who is in them. First what those who serve
-- tenants ask for.
-- One change of a tenant's cohorts after the other, so that each is checked against what the
-- others left.
-- name: CohortTakeTurn :exec
select pg_advisory_xact_lock(hashtextextended('cohort/' || current_tenant()::text, 0));

-- name: CohortInsert :one
insert into cohort (kind, name, description, condition, uses, created_by)
values (@kind, @name, @description, @condition, @uses, @created_by)
returning cohort_id;

-- A condition that stays keeps its version.
-- name: CohortUpdate :one
update cohort c
set
  name = @name,
  description = @description,
  condition = @condition,
  uses = @uses,
  version = c.version + (c.condition <> @condition)::int,
  changed_at = now()
where c.cohort_id = @cohort_id and c.removed_at is null
returning c.version;

-- name: CohortRemove :exec
update cohort
set removed_at = now()
where cohort_id = @cohort_id;

-- name: CohortCount :one
select count(*)
from cohort
where removed_at is null;

-- name: CohortListByIDs :many
select cohort_id, kind, name, description, condition, uses, version, created_at, created_by, changed_at, found_by, evaluated_at, size
from cohort
where removed_at is null and cohort_id = any (@cohort_ids::bigint[])
order by cohort_id;

-- All of them: a tenant has few.
-- name: CohortList :many
select cohort_id, kind, name, description, condition, uses, version, created_at, created_by, changed_at, found_by, evaluated_at, size
from cohort
where removed_at is null
order by cohort_id;

-- The latest made first.
-- name: CohortPage :many
select cohort_id, kind, name, description, condition, uses, version, created_at, created_by, changed_at, found_by, evaluated_at, size
from cohort
where removed_at is null and cohort_id < @before_id
order by cohort_id desc
limit @most;

-- Which of some cohorts there are.
-- name: CohortKnown :many
select cohort_id
from cohort
where removed_at is null and cohort_id = any (@cohort_ids::bigint[])
order by cohort_id;

-- The cohorts that ask for some others.
-- name: CohortUsers :many
select u.id::bigint as of_id, c.cohort_id, c.kind, c.name, c.description, c.condition, c.uses, c.version, c.created_at, c.created_by, c.changed_at, c.found_by, c.evaluated_at, c.size
from unnest(@cohort_ids::bigint[]) as u (id)
join cohort c on c.removed_at is null and u.id = any (c.uses)
order by u.id, c.cohort_id;

-- Asks for an evaluation, unless one is asked for already.
-- name: CohortEvaluationAsk :exec
insert into cohort_evaluation (cohort_id, version, reason, leaves)
values (@cohort_id, @version, @reason, @leaves)
on conflict (tenant_id, cohort_id) where state in ('QUEUED', 'RUNNING') do nothing;

-- Begins one that is open anew, by another condition: whoever is at work on it is too late.
-- name: CohortEvaluationReset :execrows
update cohort_evaluation
set version = @version, reason = @reason, leaves = @leaves, leaves_done = 0, state = 'QUEUED', attempt = attempt + 1, due_at = now(), error = null
where cohort_id = @cohort_id and state in ('QUEUED', 'RUNNING');

-- name: CohortEvaluationDrop :exec
update cohort_evaluation
set state = 'FAILED', attempt = attempt + 1, finished_at = now(), error = @error
where cohort_id = @cohort_id and state in ('QUEUED', 'RUNNING');

-- A page of each of several cohorts, the latest first.
-- name: CohortEvaluationPage :many
select k.id::bigint as of_id, e.evaluation_id, e.version, e.reason, e.state, e.requested_at, e.leaves, e.leaves_done, e.at, e.finished_at, e.exact, e.size, e.entered, e.departed, e.error
from unnest(@cohort_ids::bigint[]) as k (id)
cross join lateral (
  select o.*
  from cohort_evaluation o
  where o.cohort_id = k.id and o.evaluation_id < @before_id
  order by o.evaluation_id desc
  limit @most
) e
order by k.id, e.evaluation_id desc;

-- A page of the members of each of several cohorts at an instant, without one now, by the numbers
-- of their persons. Who is there under several numbers is there since the first.
-- name: CohortMemberPage :many
with held as (
  select i.person_id, m.cohort_id, min(m.entered_at) as entered_at,
    case when not bool_or(m.left_at is null) then max(m.left_at) end as left_at
  from cohort_member m
  join identity i on i.identity_id = m.identity_id
  where m.cohort_id = any (@cohort_ids::bigint[])
    and case
      when sqlc.narg(at)::timestamptz is null then m.left_at is null
      else m.entered_at <= sqlc.narg(at) and (m.left_at is null or m.left_at > sqlc.narg(at))
    end
    and not exists (
      select from erasure e where e.forgotten_at is null and e.identity_ids @> array[m.identity_id]
    )
  group by i.person_id, m.cohort_id
)
select k.id::bigint as of_id, h.person_id, p.born_at, h.entered_at::timestamptz as entered_at, coalesce(h.left_at, 'epoch')::timestamptz as left_at
from unnest(@cohort_ids::bigint[]) as k (id)
cross join lateral (
  select s.person_id, s.entered_at, s.left_at
  from held s
  where s.cohort_id = k.id and s.person_id > @after_id::bigint
  order by s.person_id
  limit @most::bigint
) h
join identity p on p.identity_id = h.person_id
order by k.id, h.person_id;

-- A page of who entered and who left each of several cohorts, the latest first.
-- name: CohortChangePage :many
select k.id::bigint as of_id, c.at::timestamptz as at, c.entered, c.identity_id, i.person_id, p.born_at
from unnest(@cohort_ids::bigint[]) as k (id)
cross join lateral (
  select u.at, u.entered, u.identity_id
  from (
    (
      select m.entered_at as at, true as entered, m.identity_id
      from cohort_member m
      where m.cohort_id = k.id
        and (m.entered_at, true, m.identity_id) < (@before_at::timestamptz, @before_entered::boolean, @before_id::bigint)
        and not exists (
          select from erasure e where e.forgotten_at is null and e.identity_ids @> array[m.identity_id]
        )
      order by m.entered_at desc, m.identity_id desc
      limit @most
    )
    union all
    (
      select m.left_at, false, m.identity_id
      from cohort_member m
      where m.cohort_id = k.id
        and m.left_at is not null
        and (m.left_at, false, m.identity_id) < (@before_at, @before_entered, @before_id)
        and not exists (
          select from erasure e where e.forgotten_at is null and e.identity_ids @> array[m.identity_id]
        )
      order by m.left_at desc, m.identity_id desc
      limit @most
    )
  ) u
  order by u.at desc, u.entered desc, u.identity_id desc
  limit @most
) c
join identity i on i.identity_id = c.identity_id
join identity p on p.identity_id = i.person_id
order by k.id, c.at desc, c.entered desc, c.identity_id desc;

-- The cohorts that persons are in now.
-- name: CohortsOfPersons :many
select i.person_id as of_id, c.cohort_id, c.kind, c.name, c.description, c.condition, c.uses, c.version, c.created_at, c.created_by, c.changed_at, c.found_by, c.evaluated_at, c.size
from (
  select distinct o.person_id, m.cohort_id
  from identity o
  join cohort_member m on m.identity_id = o.identity_id
  where o.person_id = any (@person_ids::bigint[]) and m.left_at is null
) i
join cohort c on c.cohort_id = i.cohort_id
where c.removed_at is null
order by i.person_id, c.cohort_id;

-- Who is in some cohorts now.
-- name: CohortMembersNow :many
select distinct m.cohort_id, i.person_id
from cohort_member m
join identity i on i.identity_id = m.identity_id
where m.cohort_id = any (@cohort_ids::bigint[]) and m.left_at is null
order by m.cohort_id, i.person_id;

-- What is found from here on is found in one snapshot, each leaf of a condition by one statement:
-- persons by their numbers.
-- All that are known: who did something, of whom something was said, or who belongs to an
-- account, and who is not to be erased.
-- name: CohortKnownPersons :many
with hidden as (
  select o.person_id
  from erasure e
  cross join unnest(e.identity_ids) as u (id)
  join identity o on o.identity_id = u.id
  where e.forgotten_at is null
)
select distinct i.person_id
from identity i
where (
    i.first_seen_at is not null
    or exists (select from profile p where p.subject = 'person' and p.subject_id = i.identity_id)
    or exists (select from membership m where m.identity_id = i.identity_id)
  )
  and i.person_id not in (select h.person_id from hidden h)
order by i.person_id;

-- Whose trait, put together of all of their ids as in identity.Merged, meets a condition.
-- name: CohortOfUserTrait :many
select t.person_id
from (
  select distinct on (o.person_id) o.person_id, said.value
  from profile p
  join identity o on o.identity_id = p.subject_id
  cross join lateral (
    select p.traits -> @name::text as value, false as once, (p.said_at ->> @name)::bigint as at
    where p.traits ? @name
    union all
    select p.once -> @name, true, -(p.once_at ->> @name)::bigint
    where p.once ? @name
  ) said
  where p.subject = 'person'
  order by o.person_id, said.once, said.at desc,
    case when said.once then said.value::text end collate "C",
    said.value::text collate "C" desc
) t
where jsonb_build_object('USER_TRAIT', jsonb_build_object(@name, t.value)) @@ (select cast(@holds::text as jsonpath))
order by t.person_id;

-- Who belongs to an account whose traits meet a condition.
-- name: CohortOfAccountTrait :many
select distinct i.person_id
from profile p
join membership m on m.account_id = p.subject_id
join identity i on i.identity_id = m.identity_id
where p.subject = 'account'
  and jsonb_build_object('ACCOUNT_TRAIT', p.once || p.traits) @@ (select cast(@holds::text as jsonpath))
order by i.person_id;

-- Who did events at least and at most so often.
-- name: CohortOfEvents :many
select m.person_id::bigint as person_id
from measured_event(
  @range_from::timestamptz, @range_to::timestamptz, array[@range_from, @range_to]::timestamptz[], '{0,-1}'::int[],
  @types::text[], @activity::boolean, null,
  sqlc.narg(of_properties)::text, sqlc.narg(of_all)::text, @parts::text[],
  null, null, null, true, null, false) m
where m.person_id is not null
group by m.person_id
having count(*) between @least::bigint and @most::bigint
order by m.person_id;

-- Who was first seen within a time: the root of a person tells it.
-- name: CohortOfFirstSeen :many
select i.person_id
from identity i
where i.born_at >= @range_from::timestamptz and i.born_at < @range_to::timestamptz
order by i.person_id;

-- Who belongs to an account that has a subscription to one of some plans that counts now.
-- name: CohortOfPlans :many
select distinct i.person_id
from plan p
join (
  select v.account_id, v.plan_id
  from mrr_movement v
  where v.superseded_at is null and v.shown_at <= now() and (v.hidden_at is null or v.hidden_at > now())
  group by v.account_id, v.plan_id
  having sum(v.amount) > 0
  union
  select t.account_id, t.plan_id
  from trial t
  where t.superseded_at is null and t.started_at <= now() and (t.ended_at is null or t.ended_at > now())
) s on s.plan_id = p.plan_id
join membership m on m.account_id = s.account_id
join identity i on i.identity_id = m.identity_id
where p.key = any (@keys::text[])
order by i.person_id;

-- Who belongs to one of some accounts, or to one that is none of them.
-- name: CohortOfAccounts :many
select distinct i.person_id
from membership m
join identity i on i.identity_id = m.identity_id
where (m.account_id = any (@account_ids::bigint[])) <> @others::boolean
order by i.person_id;

-- What all accounts come to now, in each currency.
-- name: MrrOfAllAccounts :many
select m.account_id, m.currency, sum(m.amount)::bigint as amount
from mrr_movement m
where m.superseded_at is null
  and m.shown_at <= now()
  and (m.hidden_at is null or m.hidden_at > now())
group by m.account_id, m.currency
having sum(m.amount) <> 0
order by m.account_id, m.currency;

-- How what accounts come to has changed, as it is known now.
-- name: MrrStepsOfAllAccounts :many
select m.account_id, m.currency, m.at, sum(m.amount)::bigint as amount
from mrr_movement m
where m.superseded_at is null
  and m.shown_at <= now()
  and (m.hidden_at is null or m.hidden_at > now())
group by m.account_id, m.currency, m.at
having sum(m.amount) <> 0
order by m.account_id, m.at, m.currency;
