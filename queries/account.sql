-- Finds or makes an account for each group, and moves its first sight back. Only the holder of
-- the tenant's turn makes accounts.
-- name: AccountResolve :many
with wanted as materialized (
  select w.group_type, w.group_id, w.seen_at
  from unnest(@group_types::text[], @group_ids::text[], @seen_ats::timestamptz[]) as w (group_type, group_id, seen_at)
),
found as materialized (
  select a.account_id, a.group_type, a.group_id, a.first_seen_at, w.seen_at
  from wanted w
  cross join lateral (
    select o.account_id, o.group_type, o.group_id, o.first_seen_at
    from account o
    where o.group_type = w.group_type and o.group_id = w.group_id
    limit 1
  ) a
),
made as (
  insert into account (group_type, group_id, first_seen_at)
  select w.group_type, w.group_id, w.seen_at
  from wanted w
  where not exists (select from found f where f.group_type = w.group_type and f.group_id = w.group_id)
  order by w.group_type, w.group_id
  returning account_id, group_type, group_id
),
moved as (
  update account a
  set first_seen_at = f.seen_at
  from found f
  where a.account_id = f.account_id and f.seen_at < f.first_seen_at
)
select f.account_id, f.group_type, f.group_id from found f
union all
select m.account_id, m.group_type, m.group_id from made m;

-- name: MembershipUpsert :exec
insert into membership as m (account_id, identity_id, first_at, last_day)
select u.account_id, u.identity_id, u.first_at, u.last_day
from unnest(@account_ids::bigint[], @identity_ids::bigint[], @first_ats::timestamptz[], @last_days::date[])
  as u (account_id, identity_id, first_at, last_day)
order by u.account_id, u.identity_id
on conflict (tenant_id, account_id, identity_id) do update
set first_at = least(m.first_at, excluded.first_at), last_day = greatest(m.last_day, excluded.last_day)
where excluded.first_at < m.first_at or excluded.last_day > m.last_day;
