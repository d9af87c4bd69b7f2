-- What arrived since an event is told by the order of storing alone: events that waited in a log or
-- in quarantine keep the instant of their arrival, which may be long before that of others that
-- were stored earlier.
-- +goose Up
drop function activity_since;

-- The index of event_id finds them, as numbers rise with the order on disk; the planner, who knows
-- nothing of tenants, would read the tenant's range.
-- +goose StatementBegin
create function activity_since(last_id bigint, starts timestamptz, ends timestamptz)
  returns table (event_id bigint, occurred_at timestamptz, type text, identity_id bigint, person_id bigint, account_id bigint)
  language sql stable
  set enable_seqscan = off set enable_indexscan = off set enable_indexonlyscan = off
  set cpu_index_tuple_cost = 1000000 set max_parallel_workers_per_gather = 0
  begin atomic
    with fresh as materialized (
      select e.event_id, e.occurred_at, e.type, e.identity_id, e.group_type, e.group_id
      from event e
      where e.event_id > last_id
        and e.occurred_at >= starts
        and e.occurred_at < ends
        and e.type not in ('$identify', '$group', '$alias')
    )
    select
      f.event_id, f.occurred_at, f.type, f.identity_id, i.person_id, a.account_id
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
revoke execute on function activity_since from public;
grant execute on function activity_since to tidemark_app, tidemark_worker;

-- +goose Down
drop function activity_since;
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
