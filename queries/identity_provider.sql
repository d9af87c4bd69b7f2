-- name: IdentityProviderList :many
select provider_id, name, issuer, client_id, sealed_client_secret, allowed_domains, default_role_id, second_factor, created_at
from identity_provider
where removed_at is null
order by created_at, provider_id;

-- name: IdentityProviderGet :one
select provider_id, name, issuer, client_id, sealed_client_secret, allowed_domains, default_role_id, second_factor, created_at
from identity_provider
where provider_id = @provider_id and removed_at is null;

-- name: IdentityProviderCount :one
select count(*)
from identity_provider
where removed_at is null;

-- name: IdentityProviderCreate :exec
insert into identity_provider (
  tenant_id, provider_id, name, issuer, client_id, sealed_client_secret, allowed_domains, default_role_id, second_factor
)
values (
  current_tenant(), @provider_id, @name, @issuer, @client_id, @sealed_client_secret, @allowed_domains, sqlc.narg(default_role_id), @second_factor
);

-- name: IdentityProviderRemove :execrows
update identity_provider
set removed_at = now()
where provider_id = @provider_id and removed_at is null;

-- Sessions that rest on its word end with it.
-- name: SessionEndOfProvider :exec
update session
set ended_at = now(), end_reason = 'REMOVED'
where provider_id = @provider_id and ended_at is null;

-- name: ProviderIdentityGet :one
select login_id
from provider_identity
where provider_id = @provider_id and subject = @subject;

-- Nothing if either of the two is linked already.
-- name: ProviderIdentityLink :execrows
insert into provider_identity (tenant_id, provider_id, subject, login_id)
values (current_tenant(), @provider_id, @subject, @login_id)
on conflict do nothing;

-- name: SignInCodeCreate :exec
insert into sign_in_code (tenant_id, code_hash, login_id, provider_id, challenge, expires_at)
values (current_tenant(), @code_hash, @login_id, @provider_id, @challenge, @expires_at);

-- name: SignInCodeUse :one
update sign_in_code
set used_at = now()
where code_hash = @code_hash and used_at is null and expires_at > now()
returning login_id, provider_id, challenge;

-- Worker.
-- name: SignInCodeForget :execrows
delete from sign_in_code
where expires_at < @before;
