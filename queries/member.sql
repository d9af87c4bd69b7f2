-- What a login may do in the tenant of the transaction; no row of who is no member, nor of
-- anybody while the tenant is suspended.
-- name: MemberAuthenticate :one
select m.tenant_id, m.role_id, r.builtin, r.permissions, r.row_conditions, (r.second_factor or t.second_factor)::boolean as second_factor
from member m
join role r on r.tenant_id = m.tenant_id and r.role_id = m.role_id
join tenant t on t.tenant_id = m.tenant_id
where m.login_id = @login_id
  and m.removed_at is null
  and t.suspended_at is null;

-- Where the transaction's login belongs, the oldest membership first.
-- name: MembershipList :many
select m.tenant_id, t.name as tenant_name, r.name as role_name, m.joined_at
from member m
join role r on r.tenant_id = m.tenant_id and r.role_id = m.role_id
join tenant t on t.tenant_id = m.tenant_id
where m.login_id = @login_id
  and m.removed_at is null
  and t.suspended_at is null
order by m.joined_at, m.tenant_id;

-- Those who belong to the tenant of the transaction, the oldest first.
-- name: MemberPage :many
select m.login_id, l.email, l.name, m.role_id, m.joined_at
from member m
join login l on l.login_id = m.login_id
where m.removed_at is null
  and (m.joined_at, m.login_id) > (@after_at::timestamptz, @after_id::uuid)
order by m.joined_at, m.login_id
limit @most;

-- name: MemberCount :one
select count(*)
from member
where removed_at is null;

-- name: MemberGet :one
select m.login_id, l.email, l.name, m.role_id, m.joined_at
from member m
join login l on l.login_id = m.login_id
where m.login_id = @login_id and m.removed_at is null;

-- Whoever was removed, and comes again, is the same.
-- name: MemberJoin :exec
insert into member (tenant_id, login_id, role_id)
values (current_tenant(), @login_id, @role_id)
on conflict (tenant_id, login_id) do update
set role_id = excluded.role_id, joined_at = now(), removed_at = null
where member.removed_at is not null;

-- Whoever was removed does not come back by themselves.
-- name: MemberWasRemoved :one
select exists (select from member where login_id = @login_id and removed_at is not null)::boolean;

-- name: MemberSetRole :exec
update member
set role_id = @role_id
where login_id = @login_id and removed_at is null;

-- name: MemberRemove :exec
update member
set removed_at = now()
where login_id = @login_id and removed_at is null;

-- Who would be left if one of them went: all owners, locked, in one order.
-- name: MemberLockOwners :many
select m.login_id
from member m
join role r on r.tenant_id = m.tenant_id and r.role_id = m.role_id
where r.builtin = 'OWNER' and m.removed_at is null
order by m.login_id
for update of m;

-- One change of who may do what at a time, in a tenant; the lock goes with the transaction.
-- name: MemberTakeTurn :exec
select pg_advisory_xact_lock(hashtextextended('tidemark_members/' || current_tenant()::text, 0));

-- Several at once, for a dataloader.
-- name: MemberListByIDs :many
select m.login_id, l.email, l.name, m.role_id, m.joined_at
from member m
join login l on l.login_id = m.login_id
where m.login_id = any (@login_ids::uuid[]) and m.removed_at is null
order by m.login_id;
