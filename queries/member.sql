-- What a login may do in the tenant of the transaction; no row of who is no member, nor of
-- anybody while the tenant is suspended.
-- name: MemberAuthenticate :one
select m.tenant_id, m.role_id, r.builtin, r.permissions, r.row_conditions, r.second_factor
from member m
join role r on r.tenant_id = m.tenant_id and r.role_id = m.role_id
join tenant t on t.tenant_id = m.tenant_id
where m.login_id = @login_id
  and m.removed_at is null
  and t.suspended_at is null;
