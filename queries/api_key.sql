-- The policy own_key lets this find the one row whose hash the transaction was given.
-- name: APIKeyAuthenticate :one
select tenant_id, api_key_id, kind, source
from api_key
where hash = @hash and revoked_at is null;

-- Worker.
-- name: APIKeyCreate :exec
insert into api_key (tenant_id, api_key_id, kind, name, source, hash, prefix)
values (@tenant_id, @api_key_id, @kind, @name, @source, @hash, @prefix);

-- Worker.
-- name: APIKeyRevokeByName :execrows
update api_key
set revoked_at = now()
where tenant_id = @tenant_id and name = @name and revoked_at is null;

-- Worker.
-- name: APIKeyExists :one
select exists (select from api_key where hash = @hash and revoked_at is null);
