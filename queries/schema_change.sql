-- name: SchemaChangeInsert :exec
insert into schema_change (change, type, property, kind, was, message_id, occurred_at)
select
  u.change, u.type, case when u.kind <> '' then u.property end, nullif(u.kind, ''),
  case when u.was = '' then '{}' else string_to_array(u.was, ',') end,
  u.message_id, u.occurred_at
from unnest(
  @changes::text[], @types::text[], @properties::text[], @kinds::text[], @was::text[],
  @message_ids::text[], @occurred_ats::timestamptz[]
) with ordinality as u (change, type, property, kind, was, message_id, occurred_at, ordinality)
order by u.ordinality;

-- The newest first; the cursor is the last row's id.
-- name: SchemaChangePage :many
select schema_change_id, change, type, property, kind, was, message_id, occurred_at, recorded_at
from schema_change
where schema_change_id < @before
  and (@changes::text[] is null or change = any (@changes::text[]))
order by schema_change_id desc
limit @most;

-- name: SchemaChangeCount :one
select count(*)
from schema_change
where @changes::text[] is null or change = any (@changes::text[]);

-- name: SchemaChangeGet :one
select schema_change_id, change, type, property, kind, was, message_id, occurred_at, recorded_at
from schema_change
where schema_change_id = @id;
