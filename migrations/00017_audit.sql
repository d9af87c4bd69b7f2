-- Who did what: a chain of entries for each tenant, to which is added and nothing else.
-- +goose Up

-- One field of an entry in the form that is hashed: its length in bytes, a colon, its bytes
-- in UTF-8. What there is not reads '-:', so that no two entries have the same text.
create function audit_field(value text) returns text
  language sql immutable parallel safe
  return case when value is null then '-:' else octet_length(convert_to(value, 'UTF8')) || ':' || value end;

create table audit_entry (
  -- No reference: the chain of what belongs to no tenant has the zero id.
  tenant_id    uuid        not null default current_tenant(),
  -- From 1, without gaps.
  seq          bigint      not null,
  at           timestamptz not null,
  action       text        not null check (action ~ '^[A-Z][A-Z_]{0,59}$'),
  actor_kind   text        not null check (actor_kind in ('MEMBER', 'KEY', 'OPERATOR', 'SYSTEM', 'NOBODY')),
  actor_id     uuid,
  actor_name   text        check (length(actor_name) <= 200),
  -- Who looked as the actor.
  impersonator uuid,
  target_type  text        not null check (length(target_type) <= 60),
  target_id    text        not null check (length(target_id) <= 200),
  -- As they were written, byte by byte: they are hashed.
  before       json        check (octet_length(before::text) <= 16384),
  after        json        check (octet_length(after::text) <= 16384),
  address      text        check (length(address) <= 64),
  user_agent   text        check (length(user_agent) <= 512),
  request      text        check (length(request) <= 64),
  -- The hash of the entry before; 32 zeros of the first.
  previous     bytea       not null check (length(previous) = 32),
  hash         bytea       not null check (length(hash) = 32),
  primary key (tenant_id, seq)
);
call isolate_tenants('audit_entry');
call admit_access('audit_entry');
revoke update, delete on audit_entry from tidemark_worker;
grant select, insert on audit_entry to tidemark_app, tidemark_access;
-- A time, an actor's, or a target's entries.
create index audit_entry_at on audit_entry (tenant_id, at);
create index audit_entry_actor on audit_entry (tenant_id, actor_id, seq);
create index audit_entry_target on audit_entry (tenant_id, target_type, target_id, seq);

-- SHA-256 over an entry's fields and the hash of the entry before it.
create function audit_hash(e audit_entry) returns bytea
  language sql stable parallel safe
  return sha256(convert_to(
    audit_field('tidemark-audit-1')
    || audit_field(encode((e).previous, 'hex'))
    || audit_field((e).tenant_id::text)
    || audit_field((e).seq::text)
    || audit_field(((extract(epoch from (e).at) * 1000000)::bigint)::text)
    || audit_field((e).action)
    || audit_field((e).actor_kind)
    || audit_field((e).actor_id::text)
    || audit_field((e).actor_name)
    || audit_field((e).impersonator::text)
    || audit_field((e).target_type)
    || audit_field((e).target_id)
    || audit_field((e).before::text)
    || audit_field((e).after::text)
    || audit_field((e).address)
    || audit_field((e).user_agent)
    || audit_field((e).request), 'UTF8'));

-- Puts an entry at the end of its tenant's chain; whatever place, time and hash it came
-- with. The lock lasts until the transaction ends: who waits for it finds, in a statement of
-- its own, what the other has committed. So an entry is the last that a transaction writes.
-- +goose StatementBegin
create function audit_entry_chain() returns trigger
  language plpgsql as $$
declare
  last record;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit ' || new.tenant_id, 0));
  select seq, hash into last from audit_entry where tenant_id = new.tenant_id order by seq desc limit 1;
  new.seq := coalesce(last.seq, 0) + 1;
  new.previous := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
  new.at := clock_timestamp();
  new.hash := audit_hash(new);
  return new;
end $$;

-- Nobody is granted to change an entry. This holds for the owner too.
create function audit_entry_stays() returns trigger
  language plpgsql as $$
begin
  raise exception 'an audit entry is neither changed nor removed' using errcode = 'insufficient_privilege';
end $$;
-- +goose StatementEnd
create trigger audit_entry_chain before insert on audit_entry
  for each row execute function audit_entry_chain();
create trigger audit_entry_stays before update or delete or truncate on audit_entry
  for each statement execute function audit_entry_stays();

alter publication tidemark add table audit_entry (tenant_id, seq);

-- +goose Down
alter publication tidemark drop table audit_entry;
drop table audit_entry cascade;
drop function audit_entry_chain;
drop function audit_entry_stays;
drop function if exists audit_hash;
drop function audit_field;
