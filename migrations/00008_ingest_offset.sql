-- How far each tenant's events have been stored from a log. The row moves in the transaction
-- that stores them, so that a record which comes again is known, and not stored again.
-- +goose Up
create table ingest_offset (
  tenant_id   uuid    not null default current_tenant(),
  topic       text    not null,
  -- Tells a topic from another of its name: one that is made anew counts from 0 again.
  topic_id    uuid    not null,
  partition   integer not null,
  -- All of the tenant's records before this one are stored.
  next_offset bigint  not null check (next_offset >= 0),
  primary key (tenant_id, topic, topic_id, partition)
) with (fillfactor = 50); -- one row a tenant, written in place with every batch
call isolate_tenants('ingest_offset');
grant select, insert, update on ingest_offset to tidemark_app;

-- +goose Down
drop table ingest_offset;
