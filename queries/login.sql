-- name: LoginByEmail :one
select login_id, email, name, password_hash
from login
where email = @email;

-- name: LoginGet :one
select login_id, email, name, password_hash
from login
where login_id = @login_id;

-- Nothing if somebody else has taken the address meanwhile.
-- name: LoginCreate :execrows
insert into login (login_id, email, name, password_hash)
values (@login_id, @email, @name, @password_hash)
on conflict (email) do nothing;

-- name: LoginSetPassword :exec
update login
set password_hash = @password_hash
where login_id = @login_id;

-- With the same password, and stronger parameters, unless it was changed meanwhile.
-- name: LoginRehash :exec
update login
set password_hash = @password_hash
where login_id = @login_id and password_hash = @was;

-- Names the login for the rest of the transaction, once it has become known.
-- name: LoginEnter :exec
select set_config('app.login_id', @login_id::text, true);
