-- One registration of a tenant at a time, so that its documents can be counted. The lock goes
-- with the transaction.
-- name: TrustedDocumentTakeTurn :exec
select pg_advisory_xact_lock(hashtextextended('tidemark_document/' || current_tenant()::text, 0));

-- Those that are retired count as well: they are kept for a while.
-- name: TrustedDocumentCount :one
select count(*)
from trusted_document;

-- A document that is there and not retired is left as it is, and gives no row. One that was
-- retired comes back, as new.
-- name: TrustedDocumentRegister :batchone
insert into trusted_document as d (hash, name, body, created_by)
values (@hash, @name, @body, @created_by)
on conflict (tenant_id, hash) do update
set name = excluded.name, created_at = now(), created_by = excluded.created_by, retired_at = null
where d.retired_at is not null
returning d.hash;

-- name: TrustedDocumentRetire :execrows
update trusted_document
set retired_at = now()
where hash = @hash and retired_at is null;

-- name: TrustedDocumentGet :one
select hash, name, body, created_at, retired_at
from trusted_document
where hash = @hash;

-- name: TrustedDocumentListByHashes :many
select hash, name, body, created_at, retired_at
from trusted_document
where hash = any (@hashes::bytea[])
order by hash;

-- Those of one kind, the newest first: with retired, those that are; else those that hold.
-- name: TrustedDocumentPage :many
select hash, name, body, created_at, retired_at
from trusted_document
where (retired_at is not null) = @retired::boolean
  and (created_at, hash) < (@before_at::timestamptz, @before_hash::bytea)
order by created_at desc, hash desc
limit @most;

-- name: TrustedDocumentCountOf :one
select count(*)
from trusted_document
where (retired_at is not null) = @retired::boolean;

-- What may run: the tenant's mode, and the document's text if it is registered.
-- name: TrustedDocumentLookUp :one
select t.document_mode, d.body
from tenant t
left join trusted_document d on d.tenant_id = t.tenant_id and d.hash = @hash and d.retired_at is null;

-- Worker: those retired before the instant, as many at a time as given.
-- name: TrustedDocumentForget :execrows
delete from trusted_document
where (tenant_id, hash) in (
  select d.tenant_id, d.hash
  from trusted_document d
  where d.retired_at < now() - make_interval(days => @days::int)
  order by d.retired_at
  limit @most
);
