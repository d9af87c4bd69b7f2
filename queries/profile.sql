-- What is known of several subjects of one kind.
-- name: ProfileList :many
select subject_id, traits, said_at, once, once_at, updated_at
from profile
where subject = @subject and subject_id = any (@subject_ids::bigint[])
order by subject_id;

-- name: ProfileSave :exec
insert into profile (subject, subject_id, traits, said_at, once, once_at, updated_at)
select @subject, u.subject_id, u.traits, u.said_at, u.once, u.once_at, u.updated_at
from unnest(
  @subject_ids::bigint[], @traits::jsonb[], @said_ats::jsonb[], @onces::jsonb[], @once_ats::jsonb[], @updated_ats::timestamptz[]
) as u (subject_id, traits, said_at, once, once_at, updated_at)
order by u.subject_id
on conflict (tenant_id, subject, subject_id) do update
set traits = excluded.traits, said_at = excluded.said_at,
    once = excluded.once, once_at = excluded.once_at, updated_at = excluded.updated_at;

-- An entry by no message is left out where another tells the same.
-- name: TraitChangeInsert :exec
insert into trait_change (subject, subject_id, said_at, name, message_key, value)
select @subject, u.subject_id, u.said_at, u.name, u.message_key, u.value
from unnest(@subject_ids::bigint[], @said_ats::timestamptz[], @names::text[], @message_keys::uuid[], @values::jsonb[])
  as u (subject_id, said_at, name, message_key, value)
where u.message_key <> '00000000-0000-0000-0000-000000000000'
  or not exists (
    select
    from trait_change t
    where t.subject = @subject and t.subject_id = u.subject_id and t.said_at = u.said_at and t.name = u.name
  )
on conflict do nothing;
