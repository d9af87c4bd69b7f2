-- How often what answers are read from has changed: an answer that was kept is right as long
-- as the revisions of what it was read from are those that it was read under.
-- +goose Up
create table data_revision (
  tenant_id  uuid   not null default current_tenant(),
  subject    text   not null,
  -- Counts up under the row's lock, so that no state comes twice and none is passed over.
  revision   bigint not null default 1,
  changed_by xid8   not null default pg_current_xact_id(),
  primary key (tenant_id, subject)
) with (fillfactor = 50);
call isolate_tenants('data_revision');
grant select, insert, update on data_revision to tidemark_app;

-- Counts a change of a subject, once in a transaction however many statements it has.
-- +goose StatementBegin
create function data_revision_bump() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  if tg_op = 'DELETE' then
    insert into data_revision as r (tenant_id, subject)
    select distinct tenant_id, tg_argv[0] from was_rows order by 1
    on conflict (tenant_id, subject) do update
    set revision = r.revision + 1, changed_by = excluded.changed_by
    where r.changed_by <> excluded.changed_by;
  else
    insert into data_revision as r (tenant_id, subject)
    select distinct tenant_id, tg_argv[0] from now_rows order by 1
    on conflict (tenant_id, subject) do update
    set revision = r.revision + 1, changed_by = excluded.changed_by
    where r.changed_by <> excluded.changed_by;
  end if;
  return null;
end $$;

-- Has every change of a table counted as one of a subject, whoever makes it.
create procedure count_changes(target regclass, subject text)
  language plpgsql as $$
begin
  execute format('create trigger count_inserts after insert on %s
    referencing new table as now_rows for each statement execute function data_revision_bump(%L)', target, subject);
  execute format('create trigger count_updates after update on %s
    referencing new table as now_rows for each statement execute function data_revision_bump(%L)', target, subject);
  execute format('create trigger count_deletes after delete on %s
    referencing old table as was_rows for each statement execute function data_revision_bump(%L)', target, subject);
end $$;
-- +goose StatementEnd

-- A day's version stands for everything counted in that day.
call count_changes('day_version', 'day');

-- +goose Down
drop trigger count_inserts on day_version;
drop trigger count_updates on day_version;
drop trigger count_deletes on day_version;
drop procedure count_changes;
drop function data_revision_bump;
drop table data_revision;
