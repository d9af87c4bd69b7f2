-- name: SessionCreate :exec
insert into session (
  tenant_id, session_id, login_id, impersonator_id, provider_id, second_factor,
  signed_in_at, expires_at, address, user_agent
)
values (
  current_tenant(), @session_id, @login_id, sqlc.narg(impersonator_id), sqlc.narg(provider_id), @second_factor,
  @signed_in_at, @expires_at, sqlc.narg(address), @user_agent
);

-- A session that lives, in the tenant of the transaction.
-- name: SessionGet :one
select session_id, login_id, impersonator_id, provider_id, second_factor, signed_in_at, expires_at
from session
where session_id = @session_id and ended_at is null and expires_at > now();

-- Those of the transaction's login that live, in all tenants, the last used first. The
-- tenant's name is that of one's own; who looks as somebody is not of their business.
-- name: SessionPage :many
select s.tenant_id, s.session_id, s.provider_id, s.second_factor, s.signed_in_at, s.last_used_at, s.expires_at, s.address, s.user_agent
from session s
where s.login_id = @login_id
  and s.impersonator_id is null
  and s.ended_at is null
  and s.expires_at > now()
  and (s.signed_in_at, s.session_id) < (@before_at::timestamptz, @before_id::uuid)
order by s.signed_in_at desc, s.session_id desc
limit @most;

-- name: SessionCount :one
select count(*)
from session
where login_id = @login_id and impersonator_id is null and ended_at is null and expires_at > now();

-- name: SessionTouch :exec
update session
set last_used_at = now(), address = sqlc.narg(address), user_agent = @user_agent
where session_id = @session_id;

-- name: SessionProveSecondFactor :exec
update session
set second_factor = true
where session_id = @session_id;

-- The factor is gone, so what it had proved is as well.
-- name: SessionDisproveSecondFactor :exec
update session
set second_factor = false
where login_id = @login_id and provider_id is null and ended_at is null;

-- name: SessionEnd :execrows
update session
set ended_at = now(), end_reason = @reason::session_end
where session_id = @session_id and ended_at is null;

-- All of a login's in the tenant of the transaction.
-- name: SessionEndOfMember :many
update session
set ended_at = now(), end_reason = @reason::session_end
where login_id = @login_id and ended_at is null
returning session_id;

-- All of a login's but one, in whichever tenant the transaction sees.
-- name: SessionEndOfLogin :many
update session
set ended_at = now(), end_reason = @reason::session_end
where login_id = @login_id and session_id <> @but and impersonator_id is null and ended_at is null
returning tenant_id, session_id;

-- One of the login's, in whichever tenant.
-- name: SessionEndOwn :many
update session
set ended_at = now(), end_reason = @reason::session_end
where login_id = @login_id and session_id = @session_id and impersonator_id is null and ended_at is null
returning tenant_id, session_id;

-- Those that somebody looks as others with, when they are removed.
-- name: SessionEndOfImpersonator :exec
update session
set ended_at = now(), end_reason = 'REMOVED'
where impersonator_id = @login_id and ended_at is null;

-- Worker: refresh tokens go with them.
-- name: SessionForget :execrows
delete from session
where expires_at < @before;

-- name: RefreshTokenCreate :exec
insert into refresh_token (tenant_id, token_hash, session_id, expires_at)
values (current_tenant(), @token_hash, @session_id, @expires_at);

-- One of many at once wins: the others wait for its row, and find it used.
-- name: RefreshTokenUse :one
update refresh_token
set used_at = now()
where token_hash = @token_hash and used_at is null
returning session_id, expires_at;

-- name: RefreshTokenGet :one
select session_id, used_at
from refresh_token
where token_hash = @token_hash;

-- Worker: those of sessions that go on.
-- name: RefreshTokenForget :execrows
delete from refresh_token
where expires_at < @before;
