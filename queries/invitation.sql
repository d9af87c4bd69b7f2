-- name: InvitationCreate :exec
insert into invitation (tenant_id, invitation_id, email, role_id, token_hash, invited_by, expires_at)
values (current_tenant(), @invitation_id, @email, @role_id, @token_hash, sqlc.narg(invited_by), @expires_at);

-- What another invitation of the same address takes the place of.
-- name: InvitationRevokeOpen :exec
update invitation
set revoked_at = now()
where email = @email and accepted_at is null and revoked_at is null;

-- Open ones, the latest first.
-- name: InvitationPage :many
select invitation_id, email, role_id, invited_at, expires_at
from invitation
where accepted_at is null and revoked_at is null and expires_at > now()
  and (invited_at, invitation_id) < (@before_at::timestamptz, @before_id::uuid)
order by invited_at desc, invitation_id desc
limit @most;

-- name: InvitationCount :one
select count(*)
from invitation
where accepted_at is null and revoked_at is null and expires_at > now();

-- name: InvitationGet :one
select invitation_id, email, role_id, invited_at, expires_at
from invitation
where invitation_id = @invitation_id and accepted_at is null and revoked_at is null and expires_at > now();

-- name: InvitationByToken :one
select invitation_id, email, role_id
from invitation
where token_hash = @token_hash and accepted_at is null and revoked_at is null and expires_at > now();

-- One of several at once.
-- name: InvitationAccept :execrows
update invitation
set accepted_at = now()
where invitation_id = @invitation_id and accepted_at is null and revoked_at is null and expires_at > now();

-- name: InvitationRevoke :execrows
update invitation
set revoked_at = now()
where invitation_id = @invitation_id and accepted_at is null and revoked_at is null;
