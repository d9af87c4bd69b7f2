-- The policy own_key lets this find the one row whose hash the transaction was given. It
-- finds keys that have ended as well: what they are used for is told in the audit.
-- name: APIKeyAuthenticate :one
select
  tenant_id, api_key_id, kind, source, permissions, origins, expires_at,
  (revoked_at is not null)::boolean as revoked,
  coalesce(expires_at <= now(), false)::boolean as expired
from api_key
where hash = @hash;

-- Names the key's tenant for the rest of the transaction; none, where there is no such key.
-- name: APIKeyEnter :exec
select set_config('app.tenant_id', coalesce((select k.tenant_id::text from api_key k where k.hash = @hash), ''), true);

-- The same two for the policy embed_key, by the id that a token names.
-- name: APIKeyOfToken :one
select
  tenant_id, api_key_id, source, sealed_secret, expires_at,
  (revoked_at is not null)::boolean as revoked,
  coalesce(expires_at <= now(), false)::boolean as expired
from api_key
where api_key_id = @api_key_id and sealed_secret is not null;

-- name: APIKeyOfTokenEnter :exec
select set_config('app.tenant_id', coalesce((select k.tenant_id::text from api_key k where k.api_key_id = @api_key_id), ''), true);

-- Worker, access.
-- name: APIKeyCreate :exec
insert into api_key (
  tenant_id, api_key_id, kind, name, source, hash, prefix, permissions, origins, sealed_secret, expires_at, rotates, created_by
)
values (
  @tenant_id, @api_key_id, @kind, @name, @source, @hash, @prefix, sqlc.narg(permissions)::text[], @origins, sqlc.narg(sealed_secret),
  sqlc.narg(expires_at), sqlc.narg(rotates), sqlc.narg(created_by)
);

-- Worker.
-- name: APIKeyRevokeByName :many
update api_key
set revoked_at = now()
where tenant_id = @tenant_id and name = @name and revoked_at is null
returning api_key_id;

-- Worker.
-- name: APIKeyExists :one
select exists (
  select from api_key
  where hash = @hash and revoked_at is null and (expires_at is null or expires_at > now())
);

-- How many keys of a tenant could be used, and the clock that keys end by.
-- name: APIKeyCountLiving :one
select
  count(*) filter (where revoked_at is null and (expires_at is null or expires_at > now())) as living,
  now()::timestamptz as now
from api_key
where tenant_id = @tenant_id;

-- Locked, so that of two who change a key the second sees what the first did.
-- name: APIKeyLock :one
select
  k.api_key_id, k.kind, k.name, k.source, k.prefix, k.permissions, k.origins, k.created_at, k.expires_at, k.revoked_at,
  coalesce(k.expires_at <= now(), false)::boolean as expired,
  exists (select from api_key s where s.tenant_id = k.tenant_id and s.rotates = k.api_key_id)::boolean as rotated
from api_key k
where k.tenant_id = @tenant_id and k.api_key_id = @api_key_id
for update of k;

-- name: APIKeyRevoke :exec
update api_key
set revoked_at = now(), revoked_reason = sqlc.narg(reason)
where tenant_id = @tenant_id and api_key_id = @api_key_id and revoked_at is null;

-- Never later than it was to end anyway.
-- name: APIKeyEndBy :exec
update api_key
set expires_at = least(expires_at, @at::timestamptz)
where tenant_id = @tenant_id and api_key_id = @api_key_id;

-- The newest first: ids are made in the order of time.
-- name: APIKeyPage :many
select
  k.api_key_id, k.kind, k.name, k.prefix, k.permissions, k.origins, k.created_at, k.created_by, k.expires_at,
  k.revoked_at, k.revoked_reason, k.rotates, u.used_at, u.network
from api_key k
left join api_key_use u on u.tenant_id = k.tenant_id and u.api_key_id = k.api_key_id
where sqlc.narg(before)::uuid is null or k.api_key_id < sqlc.narg(before)
order by k.api_key_id desc
limit @most;

-- name: APIKeyCount :one
select count(*) from api_key;

-- Several at once, for a dataloader.
-- name: APIKeyListByIDs :many
select
  k.api_key_id, k.kind, k.name, k.prefix, k.permissions, k.origins, k.created_at, k.created_by, k.expires_at,
  k.revoked_at, k.revoked_reason, k.rotates, u.used_at, u.network
from api_key k
left join api_key_use u on u.tenant_id = k.tenant_id and u.api_key_id = k.api_key_id
where k.api_key_id = any (@ids::uuid[]);

-- Worker: all keys of a tenant, for the command line.
-- name: APIKeyListOf :many
select api_key_id, kind, name, prefix, permissions, created_at, expires_at, revoked_at
from api_key
where tenant_id = @tenant_id
order by api_key_id;
