-- Whose an id is. Whoever is to be erased can't be found from then on.
-- name: PersonFind :one
select person_id
from identity
where anonymous = @anonymous
  and distinct_id = @distinct_id
  and not exists (
    select from erasure e where e.forgotten_at is null and e.identity_ids @> array[identity_id]
  );

-- The persons that identities belong to now; the root tells when a person was first seen.
-- name: PersonListByIdentities :many
select i.identity_id, i.person_id, p.born_at
from identity i
join identity p on p.identity_id = i.person_id
where i.identity_id = any (@identity_ids::bigint[])
  and not exists (
    select from erasure e where e.forgotten_at is null and e.identity_ids @> array[i.identity_id]
  )
order by i.identity_id;

-- The user ids of persons, a person's root first.
-- name: PersonUserIDs :many
select k.person_id::bigint as person_id, i.distinct_id
from unnest(@person_ids::bigint[]) as k (person_id)
cross join lateral (
  select u.identity_id, u.distinct_id
  from identity u
  where u.person_id = k.person_id and not u.anonymous
  order by u.identity_id <> u.person_id, u.identity_id
  limit @most
) i
order by k.person_id, i.identity_id <> k.person_id, i.identity_id;

-- name: IdentityListByIDs :many
select identity_id, person_id, anonymous, distinct_id, first_seen_at, linked_at, detached
from identity
where identity_id = any (@identity_ids::bigint[])
  and not exists (
    select from erasure e where e.forgotten_at is null and e.identity_ids @> array[identity_id]
  )
order by identity_id;

-- A page of the identities of each of several persons, the oldest first.
-- name: IdentityPageOfPersons :many
select i.identity_id, i.person_id, i.anonymous, i.distinct_id, i.first_seen_at, i.linked_at, i.detached
from unnest(@person_ids::bigint[]) as k (person_id)
cross join lateral (
  select o.identity_id, o.person_id, o.anonymous, o.distinct_id, o.first_seen_at, o.linked_at, o.detached
  from identity o
  where o.person_id = k.person_id and o.identity_id > @after_id
  order by o.identity_id
  limit @most
) i
order by i.person_id, i.identity_id;

-- name: IdentityIDsOfPerson :many
select identity_id
from identity
where person_id = @person_id
order by identity_id;

-- Whom a person's root names: only users are merged.
-- name: PersonRoot :one
select p.identity_id, p.anonymous
from identity i
join identity p on p.identity_id = i.person_id
where i.identity_id = @identity_id;

-- name: IdentityDetach :execrows
update identity
set detached = @detached
where identity_id = @identity_id and anonymous and linked_to is not null and detached <> @detached;

-- What is known of persons, by each of their identities.
-- name: ProfileListOfPersons :many
select i.person_id, p.subject_id, p.traits, p.said_at, p.once, p.once_at, p.updated_at
from identity i
join profile p on p.subject = 'person' and p.subject_id = i.identity_id
where i.person_id = any (@person_ids::bigint[])
order by i.person_id, p.subject_id;

-- A page of what was said of each of several persons, the latest first.
-- name: TraitChangePageOfPersons :many
select k.person_id::bigint as of_id, c.said_at, c.name, c.message_key, c.value
from unnest(@person_ids::bigint[]) as k (person_id)
cross join lateral (
  select t.said_at, t.name, t.message_key, t.value
  from identity i
  join trait_change t on t.subject = 'person' and t.subject_id = i.identity_id
  where i.person_id = k.person_id
    and (t.said_at, t.name, t.message_key) < (@before_at::timestamptz, @before_name::text, @before_key::uuid)
  order by t.said_at desc, t.name desc, t.message_key desc
  limit @most
) c
order by k.person_id, c.said_at desc, c.name desc, c.message_key desc;

-- name: TraitChangePageOfAccounts :many
select k.account_id::bigint as of_id, c.said_at, c.name, c.message_key, c.value
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select t.said_at, t.name, t.message_key, t.value
  from trait_change t
  where t.subject = 'account' and t.subject_id = k.account_id
    and (t.said_at, t.name, t.message_key) < (@before_at::timestamptz, @before_name::text, @before_key::uuid)
  order by t.said_at desc, t.name desc, t.message_key desc
  limit @most
) c
order by k.account_id, c.said_at desc, c.name desc, c.message_key desc;

-- name: AccountListByIDs :many
select account_id, group_type, group_id, first_seen_at
from account
where account_id = any (@account_ids::bigint[])
order by account_id;

-- name: AccountListByGroups :many
select a.account_id, a.group_type, a.group_id, a.first_seen_at
from unnest(@group_types::text[], @group_ids::text[]) as k (group_type, group_id)
join account a on a.group_type = k.group_type and a.group_id = k.group_id
order by a.account_id;

-- A page of the accounts of each of several persons, by any of their identities.
-- name: AccountPageOfPersons :many
select k.person_id::bigint as of_id, a.account_id, a.group_type, a.group_id, a.first_seen_at
from unnest(@person_ids::bigint[]) as k (person_id)
cross join lateral (
  select distinct m.account_id
  from identity i
  join membership m on m.identity_id = i.identity_id
  where i.person_id = k.person_id and m.account_id > @after_id
  order by m.account_id
  limit @most
) m
join account a on a.account_id = m.account_id
order by k.person_id, a.account_id;

-- A page of the members of each of several accounts. A person with several identities in one
-- account comes once, at the place of the oldest of these.
-- name: MemberPageOfAccounts :many
select k.account_id::bigint as of_id, m.identity_id, m.person_id, p.born_at
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select s.identity_id, i.person_id
  from membership s
  join identity i on i.identity_id = s.identity_id
  where s.account_id = k.account_id
    and s.identity_id > @after_id
    and not exists (
      select
      from identity j
      join membership o on o.account_id = s.account_id and o.identity_id = j.identity_id
      where j.person_id = i.person_id and j.identity_id < i.identity_id
    )
  order by s.identity_id
  limit @most
) m
join identity p on p.identity_id = m.person_id
order by k.account_id, m.identity_id;
