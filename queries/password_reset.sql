-- name: PasswordResetRequest :exec
insert into password_reset_request (email)
values (@email);

-- What is found here is found by nobody else until the transaction ends.
-- name: PasswordResetTake :many
select request_id, email
from password_reset_request
where done_at is null
order by requested_at, request_id
limit @most
for update skip locked;

-- name: PasswordResetDone :exec
update password_reset_request
set done_at = now()
where request_id = any (@request_ids::uuid[]);

-- name: PasswordResetCreate :exec
insert into password_reset (login_id, token_hash, expires_at)
values (@login_id, @token_hash, @expires_at);

-- name: PasswordResetIsOpen :one
select exists (
  select from password_reset
  where login_id = @login_id and token_hash = @token_hash and used_at is null and expires_at > now()
)::boolean;

-- name: PasswordResetUse :execrows
update password_reset
set used_at = now()
where login_id = @login_id and token_hash = @token_hash and used_at is null and expires_at > now();

-- The others that were sent are good for nothing any more.
-- name: PasswordResetUseAll :exec
update password_reset
set used_at = now()
where login_id = @login_id and used_at is null;

-- Worker.
-- name: PasswordResetForget :execrows
delete from password_reset
where expires_at < @before;

-- Worker.
-- name: PasswordResetRequestForget :execrows
delete from password_reset_request
where requested_at < @before;
