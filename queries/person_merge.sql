-- name: PersonMergeInsert :one
insert into person_merge (merge_id, from_id, into_id, reason, made_by)
values (@merge_id, @from_id, @into_id, @reason, @made_by)
returning merge_id, from_id, into_id, reason, made_by, made_at, undone_by, undone_at;

-- Only one that holds can be undone.
-- name: PersonMergeUndo :one
update person_merge
set undone_by = @undone_by::uuid, undone_at = now()
where merge_id = @merge_id and undone_at is null
returning merge_id, from_id, into_id, reason, made_by, made_at, undone_by, undone_at;

-- name: PersonMergeGet :one
select merge_id, from_id, into_id, reason, made_by, made_at, undone_by, undone_at
from person_merge
where merge_id = @merge_id;

-- The latest first; the cursor is the last row's place.
-- name: PersonMergePage :many
select merge_id, from_id, into_id, reason, made_by, made_at, undone_by, undone_at
from person_merge
where (made_at, merge_id) < (@before_at::timestamptz, @before_id::uuid)
order by made_at desc, merge_id desc
limit @most;

-- name: IdentityCorrectionInsert :exec
insert into identity_correction (correction_id, kind, identity_ids, reason, made_by)
values (@correction_id, @kind, @identity_ids, @reason, @made_by);

-- name: PersonMergeListByIDs :many
select merge_id, from_id, into_id, reason, made_by, made_at, undone_by, undone_at
from person_merge
where merge_id = any (@merge_ids::uuid[])
order by merge_id;
