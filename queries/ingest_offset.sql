-- Moves a tenant's offset on, unless records from the first on have been stored before: then
-- no row comes back. Either way the row is locked until the transaction ends, so that two
-- consumers who hold the same records take turns.
-- name: IngestOffsetMove :execrows
insert into ingest_offset as o (topic, topic_id, partition, next_offset)
values (@topic, @topic_id, @partition, @next_offset)
on conflict (tenant_id, topic, topic_id, partition) do update
set next_offset = excluded.next_offset
where o.next_offset <= @first_offset::bigint;

-- name: IngestOffsetGet :one
select next_offset
from ingest_offset
where topic = @topic
  and topic_id = @topic_id
  and partition = @partition;
