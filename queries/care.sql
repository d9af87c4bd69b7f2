-- Who looks after customers, and what was noted of them.
-- name: CustomerOwnerSet :exec
insert into customer_owner as o (subject, subject_id, login_id, set_by)
values (@subject, @subject_id, sqlc.narg(login_id), @set_by)
on conflict (tenant_id, subject, subject_id) do update
set login_id = excluded.login_id, set_at = now(), set_by = excluded.set_by;

-- name: CustomerOwnerListOfAccounts :many
select subject_id, login_id
from customer_owner
where subject = 'account' and subject_id = any (@account_ids::bigint[])
order by subject_id;

-- Of persons what was said last, of any of their ids.
-- name: CustomerOwnerListOfPersons :many
select distinct on (i.person_id) i.person_id, o.login_id
from identity i
join customer_owner o on o.subject = 'person' and o.subject_id = i.identity_id
where i.person_id = any (@person_ids::bigint[])
order by i.person_id, o.set_at desc, o.subject_id;

-- Whether somebody belongs to the tenant.
-- name: CustomerOwnerAllowed :one
select exists (select from member where login_id = @login_id and removed_at is null);

-- name: CustomerNoteInsert :one
insert into customer_note (note_id, subject, subject_id, body, created_by)
values (@note_id, @subject, @subject_id, @body, @created_by)
returning note_id, subject, subject_id, body, created_at, created_by, changed_at;

-- name: CustomerNoteChange :one
update customer_note
set body = @body, changed_at = now()
where note_id = @note_id and removed_at is null
returning note_id, subject, subject_id, body, created_at, created_by, changed_at;

-- What was removed says nothing any more; the row stays, as what serves takes nothing away.
-- name: CustomerNoteRemove :one
update customer_note
set body = '', removed_at = now()
where note_id = @note_id and removed_at is null
returning note_id, subject, subject_id, body, created_at, created_by, changed_at;

-- Notes of whoever is about to be erased can't be found.
-- name: CustomerNoteListByIDs :many
select n.note_id, n.subject, n.subject_id, n.body, n.created_at, n.created_by, n.changed_at
from customer_note n
where n.note_id = any (@note_ids::uuid[])
  and n.removed_at is null
  and (n.subject = 'account' or exists (select from identity i where i.identity_id = n.subject_id) and not exists (
    select from erasure e where e.forgotten_at is null and e.identity_ids @> array[n.subject_id]
  ))
order by n.note_id;

-- A page of the notes of each of several accounts, the latest first.
-- name: CustomerNotePageOfAccounts :many
select k.account_id::bigint as of_id, n.note_id, n.subject, n.subject_id, n.body, n.created_at, n.created_by, n.changed_at
from unnest(@account_ids::bigint[]) as k (account_id)
cross join lateral (
  select o.*
  from customer_note o
  where o.subject = 'account' and o.subject_id = k.account_id and o.removed_at is null
    and (o.created_at, o.note_id) < (@before_at::timestamptz, @before_id::uuid)
    and o.created_at >= @since::timestamptz
  order by o.created_at desc, o.note_id desc
  limit @most
) n
order by k.account_id, n.created_at desc, n.note_id desc;

-- The same of persons, under any of their ids.
-- name: CustomerNotePageOfPersons :many
select k.person_id::bigint as of_id, n.note_id, n.subject, n.subject_id, n.body, n.created_at, n.created_by, n.changed_at
from unnest(@person_ids::bigint[]) as k (person_id)
cross join lateral (
  select o.*
  from identity i
  join customer_note o on o.subject = 'person' and o.subject_id = i.identity_id
  where i.person_id = k.person_id and o.removed_at is null
    and (o.created_at, o.note_id) < (@before_at::timestamptz, @before_id::uuid)
    and o.created_at >= @since::timestamptz
  order by o.created_at desc, o.note_id desc
  limit @most
) n
order by k.person_id, n.created_at desc, n.note_id desc;

-- Whether there is such an account.
-- name: AccountExists :one
select exists (select from account where account_id = @account_id);

-- Whose an identity is, and is not about to be forgotten.
-- name: PersonOf :one
select i.person_id
from identity i
where i.identity_id = @identity_id
  and not exists (select from erasure e where e.forgotten_at is null and e.identity_ids @> array[i.identity_id]);
