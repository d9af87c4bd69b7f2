-- Who works with Tidemark, and what they may do. A fourth role joins the three:
--   tidemark_access  signs people in: sees logins, and of tenants only what belongs to the
--                    tenant, or to the login, that its transaction names
-- +goose Up
-- +goose StatementBegin
do $$
begin
  if not exists (select from pg_roles where rolname = 'tidemark_access') then
    create role tidemark_access nologin nosuperuser nobypassrls;
  end if;
  if not pg_has_role(current_user, 'tidemark_access', 'usage') then
    execute format('grant tidemark_access to %I', current_user);
  end if;
end $$;

-- The login of the transaction: somebody who sees their own rows of every tenant.
create function current_login() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.login_id', true), '')::uuid;

-- Opens a table to tidemark_access as well, for one tenant a transaction.
create procedure admit_access(target regclass)
  language plpgsql as $$
begin
  execute format(
    'create policy access_tenant on %s to tidemark_access
       using (tenant_id = current_tenant()) with check (tenant_id = (select current_tenant()))', target);
end $$;
-- +goose StatementEnd

grant select on goose_db_version to tidemark_access;

-- Somebody who signs in. One login may be a member of several tenants, so it has none.
create table login (
  login_id      uuid        primary key,
  -- In lower case: what differs only in that is one address.
  email         text        not null unique check (length(email) between 3 and 254 and email = lower(email)),
  name          text        not null check (length(name) between 1 and 200),
  -- Argon2id in PHC form; null while nobody can sign in by password.
  password_hash text,
  created_at    timestamptz not null default now()
);
grant select, insert, update on login to tidemark_access;

-- While it is set, nobody is let in, and nothing is taken.
alter table tenant add column suspended_at timestamptz;

create type builtin_role as enum ('OWNER', 'ADMIN', 'ANALYST', 'VIEWER');

create table role (
  tenant_id     uuid        not null default current_tenant() references tenant,
  role_id       uuid        not null default gen_random_uuid(),
  -- What these may do stands in the program; null: made by the tenant.
  builtin       builtin_role,
  name          text        not null check (length(name) between 1 and 100),
  -- Names of permissions; empty of a builtin role.
  permissions   text[]      not null default '{}' check (builtin is null or permissions = '{}'),
  -- Whether its members need a second factor.
  second_factor boolean     not null default false,
  created_at    timestamptz not null default now(),
  removed_at    timestamptz check (removed_at is null or builtin is null),
  primary key (tenant_id, role_id)
);
call isolate_tenants('role');
call admit_access('role');
grant select, insert, update on role to tidemark_app, tidemark_access;
create unique index role_builtin on role (tenant_id, builtin) where builtin is not null;
create unique index role_name on role (tenant_id, lower(name)) where removed_at is null;

-- +goose StatementBegin
create function tenant_roles() returns trigger
  language plpgsql as $$
begin
  insert into role (tenant_id, builtin, name)
  select new.tenant_id, b, initcap(b::text) from unnest(enum_range(null::builtin_role)) b;
  return null;
end $$;
-- +goose StatementEnd
create trigger tenant_roles after insert on tenant
  for each row execute function tenant_roles();
-- +goose StatementBegin
-- The owner of the tables is under row security too, so the worker fills in what is there.
do $$
begin
  set local role tidemark_worker;
  insert into role (tenant_id, builtin, name)
  select tenant_id, b, initcap(b::text) from tenant, unnest(enum_range(null::builtin_role)) b;
  reset role;
end $$;
-- +goose StatementEnd

-- That somebody belongs to a tenant.
create table member (
  tenant_id  uuid        not null default current_tenant() references tenant,
  login_id   uuid        not null references login,
  role_id    uuid        not null,
  joined_at  timestamptz not null default now(),
  removed_at timestamptz,
  primary key (tenant_id, login_id),
  foreign key (tenant_id, role_id) references role
);
call isolate_tenants('member');
call admit_access('member');
grant select, insert, update on member to tidemark_access;
grant select on member to tidemark_app;
-- Not led by the tenant: in which tenants is this login?
create index member_login on member (login_id) where removed_at is null;

-- Somebody who names themselves sees where they belong, and as what.
create policy own_member on member for select to tidemark_access
  using (login_id = current_login());
create policy own_role on role for select to tidemark_access
  using (exists (select from member m where m.tenant_id = role.tenant_id and m.role_id = role.role_id and m.login_id = current_login()));
grant select on tenant to tidemark_access;
create policy own_tenant on tenant for select to tidemark_access
  using (tenant_id = current_tenant()
    or exists (select from member m where m.tenant_id = tenant.tenant_id and m.login_id = current_login() and m.removed_at is null));

alter publication tidemark add table role (tenant_id, role_id), member (tenant_id, login_id);

-- +goose Down
alter publication tidemark drop table role, member;
drop policy own_tenant on tenant;
revoke select on tenant from tidemark_access;
drop policy own_role on role;
drop table member;
drop trigger tenant_roles on tenant;
drop function tenant_roles;
drop table role;
drop type builtin_role;
alter table tenant drop column suspended_at;
drop table login;
revoke select on goose_db_version from tidemark_access;
drop procedure admit_access;
drop function current_login;
