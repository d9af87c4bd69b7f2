-- What a stream of events is read by: the order in which a tenant's events were stored.
-- +goose Up

-- Numbers rise with the order on disk, and so this costs writers next to nothing. Ranges are
-- summarized as they fill: what is not is read each time.
create index event_arrival on event using brin (event_id) with (autosummarize = on);

-- Up to which number all events of the tenant are committed, with the last version of its days
-- and which days have changed since another. Writers draw numbers while they hold the tenant's
-- turn, so while it is held here nothing is under way. The statements after the lock see what
-- was committed before it: the transaction must not be one of a single snapshot.
-- +goose StatementBegin
create function event_mark(since bigint, out head bigint, out version bigint, out first_day date, out last_day date)
  language plpgsql volatile set search_path = pg_catalog, public as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(current_tenant()::text, 0)); -- as EventTakeTurn
  select case when s.is_called then s.last_value else 0 end
  into head
  from event_id_seq s;
  select coalesce(max(d.version), 0), min(d.day) filter (where d.version > since), max(d.day) filter (where d.version > since)
  into version, first_day, last_day
  from day_version d;
end $$;
-- +goose StatementEnd
grant select on sequence event_id_seq to tidemark_app;
revoke execute on function event_mark from public;
grant execute on function event_mark to tidemark_app;

-- An even sample of the events between two numbers that meet conditions, in order: of each so
-- many in a row the last. place is that among all of them, of which there are total.
-- The planner, who has not heard yet of what came just now, would read the tenant's days by the
-- primary key; so keys are made dear to it. A plan of several processes costs more than it saves.
-- +goose StatementBegin
create function event_sample(
  after_id bigint, upto_id bigint, starts timestamptz, ends timestamptz,
  types text[], user_ids text[], of_group text, group_ids text[], most bigint
)
  returns table (event_id bigint, occurred_at timestamptz, place bigint, total bigint)
  language sql stable
  set enable_seqscan = off set enable_indexscan = off set enable_indexonlyscan = off
  set cpu_index_tuple_cost = 1000000 set max_parallel_workers_per_gather = 0
  begin atomic
    with meeting as materialized (
      select
        e.event_id,
        e.occurred_at,
        row_number() over (order by e.event_id) as place,
        count(*) over () as total
      from event e
      where e.event_id > event_sample.after_id
        and e.event_id <= event_sample.upto_id
        and e.occurred_at >= event_sample.starts
        and e.occurred_at < event_sample.ends
        and (event_sample.types is null or e.type = any (event_sample.types))
        and (event_sample.user_ids is null or e.user_id = any (event_sample.user_ids))
        and (event_sample.group_ids is null or e.group_type = event_sample.of_group and e.group_id = any (event_sample.group_ids))
    )
    select m.event_id, m.occurred_at, m.place, m.total
    from meeting m
    where m.total <= event_sample.most
       or m.place * event_sample.most / m.total > (m.place - 1) * event_sample.most / m.total
    order by m.place;
  end;
-- +goose StatementEnd
revoke execute on function event_sample from public;
grant execute on function event_sample to tidemark_app, tidemark_narrow;

-- +goose Down
drop function event_sample;
drop function event_mark;
revoke select on sequence event_id_seq from tidemark_app;
drop index event_arrival;
