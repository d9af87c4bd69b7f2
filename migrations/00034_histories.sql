-- What the histories in memory are read from, as a whole and what arrived since.
-- +goose Up

-- What people and accounts did: who it was as it is known now, and nothing that is not
-- something that somebody did. In the shape in which servers read it as a whole.
create view activity with (security_invoker = true) as
select
  e.tenant_id,
  e.event_id,
  e.occurred_at,
  e.received_at,
  e.type,
  e.identity_id,
  i.person_id,
  a.account_id,
  e.properties,
  e.context,
  e.source
from event e
left join identity i on i.tenant_id = e.tenant_id and i.identity_id = e.identity_id
left join account a on a.tenant_id = e.tenant_id and a.group_type = e.group_type and a.group_id = e.group_id
where e.type not in ('$identify', '$group', '$alias') -- as in event.IsActivity
  and case when e.identity_id is null then a.account_id is not null else i.person_id is not null end; -- else being forgotten
grant select on activity to tidemark_app, tidemark_worker;

-- The same for who sees some rows alone: the events that they see, and whose these are.
create view narrowed.activity with (security_barrier = true, security_invoker = true) as
select
  e.tenant_id,
  e.event_id,
  e.occurred_at,
  e.received_at,
  e.type,
  e.identity_id,
  i.person_id,
  a.account_id,
  e.properties,
  e.context,
  e.source
from event e
left join narrowed.identity_person i on i.identity_id = e.identity_id
left join account a on a.tenant_id = e.tenant_id and a.group_type = e.group_type and a.group_id = e.group_id
where e.tenant_id = current_tenant()
  and e.type not in ('$identify', '$group', '$alias')
  and case when e.identity_id is null then a.account_id is not null else i.person_id is not null end; -- else being forgotten
grant select on narrowed.activity to tidemark_narrow;

-- What arrived since an event. Arrival is nearly the order on disk, so the index of received_at
-- finds it; the planner, who knows nothing of tenants, would read the tenant's range.
-- +goose StatementBegin
create function activity_since(arrival timestamptz, last_id bigint, starts timestamptz, ends timestamptz)
  returns table (
    event_id bigint, occurred_at timestamptz, received_at timestamptz, type text,
    identity_id bigint, person_id bigint, account_id bigint
  )
  language sql stable
  set enable_seqscan = off set enable_indexscan = off set enable_indexonlyscan = off
  begin atomic
    with fresh as materialized (
      select e.event_id, e.occurred_at, e.received_at, e.type, e.identity_id, e.group_type, e.group_id
      from event e
      where e.received_at >= arrival
        and e.event_id > last_id
        and e.occurred_at >= starts
        and e.occurred_at < ends
        and e.type not in ('$identify', '$group', '$alias')
    )
    select
      f.event_id, f.occurred_at, f.received_at, f.type, f.identity_id, i.person_id, a.account_id
    from fresh f
    left join lateral (
      select o.person_id from identity o where o.identity_id = f.identity_id limit 1
    ) i on true
    left join lateral (
      select o.account_id from account o where o.group_type = f.group_type and o.group_id = f.group_id limit 1
    ) a on true
    where case when f.identity_id is null then a.account_id is not null else i.person_id is not null end
    order by f.event_id;
  end;
-- +goose StatementEnd
grant execute on function activity_since to tidemark_app, tidemark_worker;

-- +goose Down
drop function activity_since;
drop view narrowed.activity;
drop view activity;
