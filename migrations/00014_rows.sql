-- Some rows alone. A role of a tenant may be narrowed to the rows that meet conditions; its
-- transactions then take on a fifth role:
--   tidemark_narrow  reads, of what one tenant has, the rows that the transaction's
--                    conditions hold for; nothing else is granted to it
-- So what tidemark_app reads is planned and costs as before, and what cannot be narrowed by
-- row (rollups, presence, closed days, the registry, the archive) is not there at all.
-- +goose Up
-- +goose StatementBegin
do $$
begin
  if not exists (select from pg_roles where rolname = 'tidemark_narrow') then
    create role tidemark_narrow nologin nosuperuser nobypassrls;
  end if;
  if not pg_has_role(current_user, 'tidemark_narrow', 'usage') then
    execute format('grant tidemark_narrow to %I', current_user);
  end if;
end $$;
-- +goose StatementEnd

-- The conditions, as access.NewRows writes them; null: none.
alter table role add column row_conditions jsonb
  check (row_conditions is null or builtin is null and jsonb_typeof(row_conditions) = 'object');

-- What is worked out for the narrow role with the worker's rights, one tenant at a time. It
-- has a schema of its own: nobody else has to do with it.
create schema narrowed;
grant usage on schema narrowed to tidemark_narrow;
grant usage, create on schema narrowed to tidemark_worker;

-- The conditions of the transaction. Each is null where it was not set, and null lets no row
-- through; as a subquery it is worked out once a statement.
-- +goose StatementBegin
create function narrowed.event_rows() returns jsonpath
  language sql stable parallel safe
  return nullif(current_setting('app.event_rows', true), '')::jsonpath;
create function narrowed.person_rows() returns jsonpath
  language sql stable parallel safe
  return nullif(current_setting('app.person_rows', true), '')::jsonpath;
create function narrowed.account_rows() returns jsonpath
  language sql stable parallel safe
  return nullif(current_setting('app.account_rows', true), '')::jsonpath;
-- +goose StatementEnd

-- The person of each identity, by number, so that figures count a person once whom the
-- caller may not see.
create view narrowed.identity_person with (security_barrier = true) as
select tenant_id, identity_id, person_id
from identity
where tenant_id = current_tenant();

-- The traits of a person: of each what was said last under any of their ids, else what was
-- said once, first. The same as identity.Merged.
-- +goose StatementBegin
create function narrowed.person_traits(person bigint) returns jsonb
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select coalesce(jsonb_object_agg(t.name, t.value), '{}')
    from (
      select distinct on (s.name) s.name, s.value
      from identity i
      join profile p on p.tenant_id = i.tenant_id and p.subject = 'person' and p.subject_id = i.identity_id
      cross join lateral (
        select d.key as name, d.value, false as once, (p.said_at ->> d.key)::bigint as at
        from jsonb_each(p.traits) d
        union all
        select d.key, d.value, true, -(p.once_at ->> d.key)::bigint
        from jsonb_each(p.once) d
      ) s
      where i.tenant_id = current_tenant() and i.person_id = person
      order by s.name, s.once, s.at desc,
        case when s.once then s.value::text end collate "C",
        s.value::text collate "C" desc
    ) t;
  end;

create function narrowed.account_traits(account bigint) returns jsonb
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select coalesce((
      select p.once || p.traits
      from profile p
      where p.tenant_id = current_tenant() and p.subject = 'account' and p.subject_id = account
    ), '{}');
  end;

create function narrowed.sees_person(person bigint) returns boolean
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select coalesce(jsonb_path_match(narrowed.person_traits(person), narrowed.person_rows(), '{}', true), false);
  end;

create function narrowed.sees_identity(identity bigint) returns boolean
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select exists (
      select
      from identity i
      where i.tenant_id = current_tenant() and i.identity_id = sees_identity.identity and narrowed.sees_person(i.person_id)
    );
  end;

create function narrowed.sees_account(account bigint) returns boolean
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select exists (
      select
      from account a
      where a.tenant_id = current_tenant()
        and a.account_id = sees_account.account
        and jsonb_path_match(
          narrowed.account_traits(a.account_id), narrowed.account_rows(),
          jsonb_build_object('group_type', a.group_type, 'group_id', a.group_id), true)
    );
  end;

do $$
declare
  f text;
begin
  foreach f in array array['person_traits', 'account_traits', 'sees_person', 'sees_identity', 'sees_account'] loop
    execute format('alter function narrowed.%I(bigint) owner to tidemark_worker', f);
    execute format('revoke execute on function narrowed.%I(bigint) from public', f);
  end loop;
end $$;
-- +goose StatementEnd
alter view narrowed.identity_person owner to tidemark_worker;
revoke create on schema narrowed from tidemark_worker;
set local role tidemark_worker;
grant select on narrowed.identity_person to tidemark_narrow;
grant execute on function narrowed.sees_person(bigint), narrowed.sees_identity(bigint), narrowed.sees_account(bigint) to tidemark_narrow;
reset role;

grant select on event, identity, profile, trait_change, account, membership, erasure, tenant to tidemark_narrow;
-- From when on raw events are all there, and nothing else of the archive.
grant select (tenant_id, month, state) on archive_part to tidemark_narrow;

create policy narrowed on event for select to tidemark_narrow
  using (tenant_id = current_tenant()
    and jsonb_path_match(properties, (select narrowed.event_rows()),
      jsonb_build_object('group_type', group_type, 'group_id', group_id), true));
create policy narrowed on identity for select to tidemark_narrow
  using (tenant_id = current_tenant() and narrowed.sees_person(person_id));
create policy narrowed on profile for select to tidemark_narrow
  using (tenant_id = current_tenant()
    and case subject when 'person' then narrowed.sees_identity(subject_id) when 'account' then narrowed.sees_account(subject_id) else false end);
create policy narrowed on trait_change for select to tidemark_narrow
  using (tenant_id = current_tenant()
    and case subject when 'person' then narrowed.sees_identity(subject_id) when 'account' then narrowed.sees_account(subject_id) else false end);
create policy narrowed on account for select to tidemark_narrow
  using (tenant_id = current_tenant() and narrowed.sees_account(account_id));
create policy narrowed on membership for select to tidemark_narrow
  using (tenant_id = current_tenant() and narrowed.sees_account(account_id) and narrowed.sees_identity(identity_id));
-- Whoever is about to be erased is hidden by it.
create policy narrowed on erasure for select to tidemark_narrow
  using (tenant_id = current_tenant() and forgotten_at is null);
create policy narrowed on tenant for select to tidemark_narrow
  using (tenant_id = current_tenant());
create policy narrowed on archive_part for select to tidemark_narrow
  using (tenant_id = current_tenant());

-- +goose Down
-- +goose StatementBegin
do $$
declare
  target text;
begin
  foreach target in array array['event', 'identity', 'profile', 'trait_change', 'account', 'membership', 'erasure', 'tenant', 'archive_part'] loop
    execute format('drop policy narrowed on %I', target);
    execute format('revoke all on %I from tidemark_narrow', target);
  end loop;
end $$;
-- +goose StatementEnd
revoke select (tenant_id, month, state) on archive_part from tidemark_narrow;
drop schema narrowed cascade;
alter table role drop column row_conditions;
