-- name: SecondFactorGet :one
select login_id, sealed_secret, confirmed_at, last_step
from second_factor
where login_id = @login_id;

-- Begins again where no code was given yet; nothing if the factor stands.
-- name: SecondFactorEnrol :execrows
insert into second_factor (login_id, sealed_secret)
values (@login_id, @sealed_secret)
on conflict (login_id) do update
set sealed_secret = excluded.sealed_secret, created_at = now(), last_step = 0
where second_factor.confirmed_at is null;

-- A time step is taken once, whoever comes first.
-- name: SecondFactorUseStep :execrows
update second_factor
set last_step = @step
where login_id = @login_id and last_step < @step;

-- name: SecondFactorConfirm :exec
update second_factor
set confirmed_at = now()
where login_id = @login_id and confirmed_at is null;

-- The secret is of no use from then on: the next one takes its place.
-- name: SecondFactorRemove :execrows
update second_factor
set confirmed_at = null, last_step = 0
where login_id = @login_id and confirmed_at is not null;

-- name: RecoveryCodeAdd :exec
insert into recovery_code (login_id, code_hash)
select @login_id, unnest(@code_hashes::bytea[]);

-- name: RecoveryCodeEndAll :exec
update recovery_code
set ended_at = now()
where login_id = @login_id and ended_at is null;

-- name: RecoveryCodeUse :execrows
update recovery_code
set ended_at = now()
where login_id = @login_id and code_hash = @code_hash and ended_at is null;

-- name: RecoveryCodeCount :one
select count(*)
from recovery_code
where login_id = @login_id and ended_at is null;
