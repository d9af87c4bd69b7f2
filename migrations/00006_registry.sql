-- What a tenant sends, and what it means to send. The first is observed in the transaction
-- of the events themselves; the second is the tracking plan, and what was found against it.
-- +goose Up
create sequence schema_change_id_seq;
create sequence quarantined_event_id_seq;
grant usage on sequence schema_change_id_seq, quarantined_event_id_seq to tidemark_app, tidemark_worker;

create table event_type (
  tenant_id             uuid        not null default current_tenant(),
  name                  text        not null,
  first_seen_at         timestamptz not null, -- by when it was done, not by arrival
  last_seen_at          timestamptz not null,
  volume                bigint      not null check (volume > 0),
  -- How many names of properties are recorded: there is a bound.
  properties            int         not null default 0,
  -- How often a property came along that is not recorded, being one too many or too long.
  unrecorded_properties bigint      not null default 0,
  primary key (tenant_id, name)
) with (fillfactor = 70); -- written again with every batch
call isolate_tenants('event_type');
grant select, insert, update on event_type to tidemark_app;

create table event_property (
  tenant_id     uuid        not null default current_tenant(),
  type          text        not null,
  name          text        not null,
  kind          text        not null check (kind in ('STRING', 'NUMBER', 'BOOLEAN', 'OBJECT', 'ARRAY', 'NULL')),
  first_seen_at timestamptz not null,
  last_seen_at  timestamptz not null,
  volume        bigint      not null check (volume > 0),
  -- A value as JSON, cut short. Null where the plan calls the property personal.
  sample        text        check (length(sample) <= 100),
  sampled_at    timestamptz,
  primary key (tenant_id, type, name, kind)
) with (fillfactor = 70);
call isolate_tenants('event_property');
grant select, insert, update on event_property to tidemark_app;

-- What does not belong to one type: how much is not recorded, since there is a bound.
create table registry_state (
  tenant_id             uuid   primary key default current_tenant(),
  unrecorded_events     bigint not null default 0,
  unrecorded_violations bigint not null default 0,
  samples_forgotten_at  timestamptz
);
call isolate_tenants('registry_state');
grant select, insert, update on registry_state to tidemark_app;

create table schema_change (
  tenant_id        uuid        not null default current_tenant(),
  schema_change_id bigint      not null default nextval('schema_change_id_seq'),
  change           text        not null check (change in ('NEW_EVENT_TYPE', 'NEW_PROPERTY', 'TYPE_CHANGED')),
  type             text        not null,
  property         text,
  kind             text,
  -- The kinds that the property had before.
  was              text[]      not null default '{}',
  message_id       text        not null,
  occurred_at      timestamptz not null,
  recorded_at      timestamptz not null default now(),
  primary key (tenant_id, schema_change_id)
);
call isolate_tenants('schema_change');
grant select, insert on schema_change to tidemark_app;

-- Every version that was ever saved. The highest one holds.
create table tracking_plan (
  tenant_id uuid        not null default current_tenant(),
  version   int         not null check (version > 0),
  plan      jsonb       not null,
  saved_at  timestamptz not null default now(),
  saved_by  uuid        not null, -- the key
  primary key (tenant_id, version)
);
call isolate_tenants('tracking_plan');
grant select, insert on tracking_plan to tidemark_app;

create table plan_violation (
  tenant_id     uuid        not null default current_tenant(),
  type          text        not null,
  property      text        not null, -- '' where no property is at fault
  rule          text        not null,
  first_seen_at timestamptz not null default now(),
  last_seen_at  timestamptz not null default now(),
  volume        bigint      not null,
  message_id    text        not null, -- of one event, the latest, that was against the plan
  primary key (tenant_id, type, property, rule)
) with (fillfactor = 70);
call isolate_tenants('plan_violation');
grant select, insert, update on plan_violation to tidemark_app;

-- Events that the plan keeps aside: they have taken no message id and count nowhere.
create table quarantined_event (
  tenant_id            uuid        not null default current_tenant(),
  quarantined_event_id bigint      not null default nextval('quarantined_event_id_seq'),
  state                text        not null default 'HELD' check (state in ('HELD', 'RELEASED', 'DISCARDED')),
  received_at          timestamptz not null default now(),
  source               text        not null,
  message_id           text        not null,
  message_key          uuid        not null,
  fingerprint          bigint      not null,
  type                 text        not null,
  field                text        not null,
  reason               text        not null,
  plan_version         int         not null,
  -- The event as it came. Not jsonb: written anew its numbers would look different, and so
  -- a repeat of the event would seem to be another one. Null once it was decided on.
  body                 json,
  decided_at           timestamptz,
  decided_by           uuid, -- the key
  primary key (tenant_id, quarantined_event_id)
);
call isolate_tenants('quarantined_event');
grant select, insert, update on quarantined_event to tidemark_app;
-- Unique: a message sent again is held once. It also lists and counts what is held.
create unique index quarantined_event_held on quarantined_event (tenant_id, message_key) where state = 'HELD';
-- B-tree: expiry takes the oldest, of all tenants.
create index quarantined_event_received on quarantined_event (received_at);

-- The observations are not followed: every batch changes them, and with them the day, which
-- is. Of the others only what names the change travels.
alter publication tidemark add table
  registry_state,
  tracking_plan (tenant_id, version),
  plan_violation (tenant_id, type, property, rule),
  quarantined_event (tenant_id, quarantined_event_id);

-- +goose Down
alter publication tidemark drop table registry_state, tracking_plan, plan_violation, quarantined_event;
drop table quarantined_event, plan_violation, tracking_plan, schema_change, registry_state, event_property, event_type;
drop sequence schema_change_id_seq, quarantined_event_id_seq;
