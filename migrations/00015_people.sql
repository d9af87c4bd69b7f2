-- How people sign in: sessions, invitations, second factors, providers of identities, and the
-- mail that carries links. All of it is tidemark_access's; the app sees none of it.
-- +goose Up
create type session_end as enum (
  'SIGNED_OUT', -- by whoever it was
  'ENDED',      -- from another session
  'SWITCHED',   -- to another tenant
  'REUSED',     -- a refresh token came twice: one of the two was stolen
  'PASSWORD',   -- the password was changed or reset
  'REMOVED'     -- the member was removed
);

-- Somebody who has signed in, to one tenant. All refresh tokens of a session are one family.
create table session (
  tenant_id       uuid        not null default current_tenant() references tenant,
  session_id      uuid        not null,
  login_id        uuid        not null references login,
  -- Who looks as this login; null: themselves.
  impersonator_id uuid        references login,
  -- Whose word it is that this is the login: such a session is good for this tenant alone.
  provider_id     uuid,
  -- Whether a second factor was proved, here or at the provider.
  second_factor   boolean     not null,
  -- When the password, or the provider, was asked last; a switch of tenants keeps it.
  signed_in_at    timestamptz not null default now(),
  last_used_at    timestamptz not null default now(),
  -- At the latest, however it is used.
  expires_at      timestamptz not null,
  address         inet,
  user_agent      text        not null default '' check (length(user_agent) <= 256),
  ended_at        timestamptz,
  end_reason      session_end check ((end_reason is null) = (ended_at is null)),
  primary key (tenant_id, session_id)
);
call isolate_tenants('session');
call admit_access('session');
grant select, insert, update on session to tidemark_access;
-- Not led by the tenant: one's own sessions, wherever they are.
create index session_login on session (login_id) where ended_at is null;
-- Worker: what is over.
create index session_expires on session (expires_at);
create policy own_session on session for select to tidemark_access
  using (login_id = current_login());
create policy end_own_session on session for update to tidemark_access
  using (login_id = current_login()) with check (login_id = current_login());

create table refresh_token (
  tenant_id  uuid        not null default current_tenant(),
  -- SHA-256 of a token of 256 random bits: no slow hash is needed.
  token_hash bytea       not null check (length(token_hash) = 32),
  session_id uuid        not null,
  expires_at timestamptz not null,
  -- A token is good once. Used ones are kept, so that a second use is known for what it is.
  used_at    timestamptz,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, session_id) references session on delete cascade
);
call isolate_tenants('refresh_token');
call admit_access('refresh_token');
grant select, insert, update on refresh_token to tidemark_access;
create index refresh_token_session on refresh_token (tenant_id, session_id);

create table invitation (
  tenant_id     uuid        not null default current_tenant() references tenant,
  invitation_id uuid        not null,
  email         text        not null check (length(email) between 3 and 254 and email = lower(email)),
  role_id       uuid        not null,
  token_hash    bytea       not null check (length(token_hash) = 32),
  -- A login or a key; null: whoever runs the installation.
  invited_by    uuid,
  invited_at    timestamptz not null default now(),
  expires_at    timestamptz not null,
  accepted_at   timestamptz,
  revoked_at    timestamptz,
  primary key (tenant_id, invitation_id),
  foreign key (tenant_id, role_id) references role
);
call isolate_tenants('invitation');
call admit_access('invitation');
grant select, insert, update on invitation to tidemark_access;
-- An address has one open invitation: another one takes its place.
create unique index invitation_open on invitation (tenant_id, email) where accepted_at is null and revoked_at is null;
create unique index invitation_token on invitation (tenant_id, token_hash);
create index invitation_invited on invitation (tenant_id, invited_at, invitation_id);

-- Where a tenant's people may prove who they are instead (OpenID Connect).
create table identity_provider (
  tenant_id            uuid        not null default current_tenant() references tenant,
  provider_id          uuid        not null,
  name                 text        not null check (length(name) between 1 and 100),
  issuer               text        not null check (length(issuer) <= 500),
  client_id            text        not null check (length(client_id) between 1 and 500),
  sealed_client_secret bytea       not null,
  -- Of e-mail addresses, in lower case: others are not let in.
  allowed_domains      text[]      not null check (cardinality(allowed_domains) between 1 and 50),
  -- What somebody becomes who is no member yet; null: only members are let in.
  default_role_id      uuid,
  -- Whether a sign-in there counts as one with a second factor.
  second_factor        boolean     not null default false,
  created_at           timestamptz not null default now(),
  removed_at           timestamptz,
  primary key (tenant_id, provider_id),
  foreign key (tenant_id, default_role_id) references role
);
call isolate_tenants('identity_provider');
call admit_access('identity_provider');
grant select, insert, update on identity_provider to tidemark_access;

-- Who somebody at a provider is here. An address may change hands at the provider; its
-- subjects do not (OpenID Connect Core, 5.7).
create table provider_identity (
  tenant_id   uuid        not null default current_tenant(),
  provider_id uuid        not null,
  subject     text        not null check (length(subject) between 1 and 255),
  login_id    uuid        not null references login,
  linked_at   timestamptz not null default now(),
  primary key (tenant_id, provider_id, subject),
  foreign key (tenant_id, provider_id) references identity_provider
);
call isolate_tenants('provider_identity');
call admit_access('provider_identity');
grant select, insert on provider_identity to tidemark_access;
create unique index provider_identity_login on provider_identity (tenant_id, provider_id, login_id);

-- What a browser brings back from a provider, and changes into tokens.
create table sign_in_code (
  tenant_id   uuid        not null default current_tenant() references tenant,
  code_hash   bytea       not null check (length(code_hash) = 32),
  login_id    uuid        not null references login,
  provider_id uuid        not null,
  -- SHA-256 of what the app keeps to itself: a code of somebody else's making is of no use.
  challenge   bytea       not null check (length(challenge) = 32),
  expires_at  timestamptz not null,
  used_at     timestamptz,
  primary key (tenant_id, code_hash)
);
call isolate_tenants('sign_in_code');
call admit_access('sign_in_code');
grant select, insert, update on sign_in_code to tidemark_access;

-- The tables from here on have no tenant: they are a login's own, and seen in a transaction
-- that names the login.

create table second_factor (
  login_id      uuid        primary key references login,
  sealed_secret bytea       not null,
  created_at    timestamptz not null default now(),
  -- When a first code was given: until then it is asked of nobody.
  confirmed_at  timestamptz,
  -- The time step of the last code that was taken: none is taken twice (RFC 6238, 5.2).
  last_step     bigint      not null default 0
);
create table recovery_code (
  login_id  uuid        not null references login,
  -- SHA-256 of a code of 120 random bits: no slow hash is needed.
  code_hash bytea       not null check (length(code_hash) = 32),
  made_at   timestamptz not null default now(),
  -- Used, or replaced by others.
  ended_at  timestamptz,
  primary key (login_id, code_hash)
);
create table password_reset (
  login_id   uuid        not null references login,
  token_hash bytea       not null check (length(token_hash) = 32),
  expires_at timestamptz not null,
  used_at    timestamptz,
  primary key (login_id, token_hash)
);
-- +goose StatementBegin
do $$
declare
  target text;
begin
  foreach target in array array['second_factor', 'recovery_code', 'password_reset'] loop
    execute format('alter table %I enable row level security', target);
    execute format('alter table %I force row level security', target);
    execute format('create policy own_login on %I to tidemark_access
      using (login_id = current_login()) with check (login_id = current_login())', target);
    execute format('grant select, insert, update on %I to tidemark_access', target);
  end loop;
end $$;
-- +goose StatementEnd
-- A rotation of the master keys wraps all of them anew.
create policy rewrap on second_factor to tidemark_worker using (true) with check (true);
grant select (login_id, sealed_secret), update (sealed_secret) on second_factor to tidemark_worker;
-- What is over is forgotten.
create policy forget on password_reset to tidemark_worker using (true);
grant select, delete on password_reset to tidemark_worker;

-- Who has asked for a new password, whether anybody has that address or not: it is found out
-- later, so that the answer does not tell.
create table password_reset_request (
  request_id   uuid        primary key default gen_random_uuid(),
  email        text        not null check (length(email) between 3 and 254),
  requested_at timestamptz not null default now(),
  done_at      timestamptz
);
create index password_reset_waiting on password_reset_request (requested_at) where done_at is null;
grant select, insert, update on password_reset_request to tidemark_access;
grant select, delete on password_reset_request to tidemark_worker;

-- Mail that waits to be sent; a row goes when it has been.
create table mail_outbox (
  mail_id     uuid        primary key,
  -- It may have a link that signs somebody in, and it names people.
  sealed_mail bytea       not null,
  created_at  timestamptz not null default now(),
  attempts    int         not null default 0,
  next_at     timestamptz not null default now(),
  -- Given up; null: it waits.
  failed_at   timestamptz
);
create index mail_outbox_next on mail_outbox (next_at) where failed_at is null;
alter table mail_outbox enable row level security;
alter table mail_outbox force row level security;
create policy put on mail_outbox for insert to tidemark_access with check (true);
create policy send on mail_outbox to tidemark_worker using (true) with check (true);
grant insert on mail_outbox to tidemark_access;
grant select, insert, update, delete on mail_outbox to tidemark_worker;

-- Whether all of a tenant's people need a second factor, whatever their role.
alter table tenant add column second_factor boolean not null default false;
grant update (second_factor) on tenant to tidemark_access;
create policy access_tenant on tenant for update to tidemark_access
  using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

alter publication tidemark add table
  session (tenant_id, session_id),
  invitation (tenant_id, invitation_id),
  identity_provider (tenant_id, provider_id);

-- +goose Down
alter publication tidemark drop table session, invitation, identity_provider;
drop policy access_tenant on tenant;
revoke update (second_factor) on tenant from tidemark_access;
alter table tenant drop column second_factor;
drop table mail_outbox, password_reset_request, password_reset, recovery_code, second_factor;
drop table sign_in_code, provider_identity, identity_provider, invitation, refresh_token, session;
drop type session_end;
