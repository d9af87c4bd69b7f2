-- What people and accounts are called, so that a list of them can be searched and sorted. It is
-- kept by triggers, whoever writes, and written only when something changes that is searched.
-- +goose Up
-- Both are trusted: whoever may create in the database may have them.
create extension if not exists pg_trgm;
create extension if not exists btree_gin;

create table customer_word (
  tenant_id  uuid            not null default current_tenant(),
  subject    profile_subject not null,
  subject_id bigint          not null, -- the account, or the identity: so a merge moves nothing
  kind       text            not null check (kind in ('ID', 'NAME', 'EMAIL', 'DOMAIN', 'COMPANY')),
  spelling   text, -- null: nothing is said any more, as the app takes nothing away
  word       text collate "C" generated always as (lower(spelling)) stored,
  -- Microseconds of the epoch. What was said once counts below all else, the earliest first.
  said       bigint          not null default 0,
  primary key (tenant_id, subject, subject_id, kind)
);
call isolate_tenants('customer_word');
grant select, insert, update on customer_word to tidemark_app;
alter table customer_word alter column tenant_id set statistics 0; -- see identity
-- B-tree: exact spellings, and how they begin. In "C" a beginning is a range.
create index customer_word_begins on customer_word (tenant_id, subject, word) where word is not null;
-- GIN of trigrams, one tenant's alone: spellings that are similar, or that have it in the middle.
-- Ids are left out. There is one for each new user, and nobody remembers half of one.
create index customer_word_resembles on customer_word using gin (tenant_id, word gin_trgm_ops) where kind <> 'ID';

grant select on customer_word to tidemark_narrow;
create policy narrowed on customer_word for select to tidemark_narrow
  using (tenant_id = current_tenant()
    and case subject when 'person' then narrowed.sees_identity(subject_id) when 'account' then narrowed.sees_account(subject_id) else false end);

-- +goose StatementBegin
-- A trait's text; nothing of what is none, or is blank.
create function trait_text(value jsonb) returns text
  language sql immutable parallel safe
  return case when jsonb_typeof(value) = 'string' then nullif(btrim(left(value #>> '{}', 200), E' \t\r\n'), '') end;

-- When the latest of some traits was said.
create function trait_said(said_at jsonb, once_at jsonb, names text[]) returns bigint
  language sql immutable parallel safe
  begin atomic
    select coalesce(max(coalesce((said_at ->> n.name)::bigint, -(once_at ->> n.name)::bigint)), 0)
    from unnest(names) n (name);
  end;

-- What a profile says somebody is called.
create function profile_words(subject profile_subject, traits jsonb, said_at jsonb, once jsonb, once_at jsonb)
  returns table (kind text, spelling text, said bigint)
  language sql immutable parallel safe
  begin atomic
    with said as (select once || traits as v)
    select 'NAME', coalesce(
        trait_text(v -> 'name'),
        nullif(concat_ws(' ',
          coalesce(trait_text(v -> 'firstName'), trait_text(v -> 'first_name')),
          coalesce(trait_text(v -> 'lastName'), trait_text(v -> 'last_name'))), '')),
      trait_said(said_at, once_at, '{name,firstName,first_name,lastName,last_name}')
    from said
    union all
    select 'EMAIL', trait_text(v -> 'email'), trait_said(said_at, once_at, '{email}')
    from said
    union all
    select 'DOMAIN', lower(coalesce(
        case when subject = 'account' then coalesce(
          trait_text(v -> 'domain'),
          substring(trait_text(v -> 'website') from '^(?:[A-Za-z]+://)?(?:www\.)?([^/:?#\s]+)')) end,
        substring(trait_text(v -> 'email') from '@([^@\s]+)$'))),
      trait_said(said_at, once_at, case subject when 'account' then '{domain,website,email}'::text[] else '{email}' end)
    from said
    union all
    select 'COMPANY', coalesce(trait_text(v -> 'company'), trait_text(v -> 'company' -> 'name')), trait_said(said_at, once_at, '{company}')
    from said
    where subject = 'person';
  end;

-- Of users and accounts alone: there are more devices than anybody looks for by their ids.
create function customer_word_of_ids() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  if tg_table_name = 'account' then
    insert into customer_word (tenant_id, subject, subject_id, kind, spelling)
    select n.tenant_id, 'account', n.account_id, 'ID', left(n.group_id, 200)
    from now_rows n
    order by n.account_id
    on conflict do nothing;
  else
    insert into customer_word (tenant_id, subject, subject_id, kind, spelling)
    select n.tenant_id, 'person', n.identity_id, 'ID', left(n.distinct_id, 200)
    from now_rows n
    where not n.anonymous
    order by n.identity_id
    on conflict do nothing;
  end if;
  return null;
end $$;

create function customer_word_of_profiles() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  if tg_op = 'INSERT' then
    insert into customer_word (tenant_id, subject, subject_id, kind, spelling, said)
    select n.tenant_id, n.subject, n.subject_id, w.kind, w.spelling, w.said
    from now_rows n
    cross join lateral profile_words(n.subject, n.traits, n.said_at, n.once, n.once_at) w
    where w.spelling is not null
    order by n.subject, n.subject_id, w.kind
    on conflict (tenant_id, subject, subject_id, kind) do update set spelling = excluded.spelling, said = excluded.said;
  else
    insert into customer_word as c (tenant_id, subject, subject_id, kind, spelling, said)
    select n.tenant_id, n.subject, n.subject_id, w.kind, w.spelling, w.said
    from now_rows n
    join was_rows o on o.tenant_id = n.tenant_id and o.subject = n.subject and o.subject_id = n.subject_id
    cross join lateral profile_words(n.subject, n.traits, n.said_at, n.once, n.once_at) w
    where (o.traits, o.once) is distinct from (n.traits, n.once)
      and (w.spelling is not null or exists (
        select
        from customer_word k
        where k.tenant_id = n.tenant_id and k.subject = n.subject and k.subject_id = n.subject_id and k.kind = w.kind
      ))
    order by n.subject, n.subject_id, w.kind
    on conflict (tenant_id, subject, subject_id, kind) do update set spelling = excluded.spelling, said = excluded.said
    where (c.spelling, c.said) is distinct from (excluded.spelling, excluded.said);
  end if;
  return null;
end $$;

create function customer_word_forget() returns trigger
  language plpgsql set search_path = pg_catalog, public as $$
begin
  if tg_table_name = 'profile' then
    delete from customer_word c
    using was_rows o
    where c.tenant_id = o.tenant_id and c.subject = o.subject and c.subject_id = o.subject_id and c.kind <> 'ID';
  elsif tg_table_name = 'account' then
    delete from customer_word c
    using was_rows o
    where c.tenant_id = o.tenant_id and c.subject = 'account' and c.subject_id = o.account_id;
  else
    delete from customer_word c
    using was_rows o
    where c.tenant_id = o.tenant_id and c.subject = 'person' and c.subject_id = o.identity_id;
  end if;
  return null;
end $$;

do $$
declare
  target text;
begin
  foreach target in array array['identity', 'account', 'profile'] loop
    execute format('create trigger word_on_insert after insert on %I
      referencing new table as now_rows for each statement execute function %I()',
      target, case target when 'profile' then 'customer_word_of_profiles' else 'customer_word_of_ids' end);
    execute format('create trigger word_on_delete after delete on %I
      referencing old table as was_rows for each statement execute function customer_word_forget()', target);
  end loop;
end $$;
create trigger word_on_update after update on profile
  referencing old table as was_rows new table as now_rows for each statement execute function customer_word_of_profiles();

-- Who is called so: accounts, or identities, with how well it fits: 2 is exactly, 1 begins so,
-- and less is how similar it is. It has the worker's rights and asks for the tenant itself, as
-- under row security no condition may use an index that could tell of what it hides; whoever
-- asks then reads what it names under their own.
create function customer_search(of profile_subject, search text, personal boolean)
  returns table (subject_id bigint, score double precision)
  language sql stable security definer rows 100
  set search_path = pg_catalog, public set enable_seqscan = off
  begin atomic
    select f.subject_id, max(f.score)
    from (
      select w.subject_id, case when w.word = t.term then 2 else 1 end::double precision as score, w.kind
      from (select lower(search) collate "C" as term) t
      cross join customer_word w
      where w.tenant_id = current_tenant()
        and w.subject = of
        and w.word >= t.term
        and w.word < t.term || chr(1114111)
      union all
      select w.subject_id, word_similarity(t.term, w.word), w.kind
      from (select lower(search) as term, '%' || regexp_replace(lower(search), '([\\%_])', '\\\1', 'g') || '%' as within) t
      cross join customer_word w
      where w.tenant_id = current_tenant()
        and length(t.term) >= 3
        and w.kind <> 'ID'
        and (w.word like t.within or t.term <% w.word)
        and w.subject = of
      union all
      select i.identity_id, 2, 'ID'
      from identity i
      where of = 'person' and i.tenant_id = current_tenant() and i.anonymous and i.distinct_id = search
    ) f
    where personal or f.kind in ('ID', 'NAME')
    group by f.subject_id;
  end;
-- +goose StatementEnd
alter function customer_search(profile_subject, text, boolean) owner to tidemark_worker;
set local role tidemark_worker;
revoke execute on function customer_search(profile_subject, text, boolean) from public;
grant execute on function customer_search(profile_subject, text, boolean) to tidemark_app, tidemark_narrow;

-- What was there before.
insert into customer_word (tenant_id, subject, subject_id, kind, spelling)
select tenant_id, 'account', account_id, 'ID', left(group_id, 200)
from account;
insert into customer_word (tenant_id, subject, subject_id, kind, spelling)
select tenant_id, 'person', identity_id, 'ID', left(distinct_id, 200)
from identity
where not anonymous;
insert into customer_word (tenant_id, subject, subject_id, kind, spelling, said)
select p.tenant_id, p.subject, p.subject_id, w.kind, w.spelling, w.said
from profile p
cross join lateral profile_words(p.subject, p.traits, p.said_at, p.once, p.once_at) w
where w.spelling is not null;
reset role;

-- +goose Down
-- The extensions stay: somebody else may use them.
drop function customer_search(profile_subject, text, boolean);
-- +goose StatementBegin
do $$
declare
  target text;
begin
  foreach target in array array['identity', 'account', 'profile'] loop
    execute format('drop trigger word_on_insert on %I', target);
    execute format('drop trigger word_on_delete on %I', target);
  end loop;
end $$;
-- +goose StatementEnd
drop trigger word_on_update on profile;
drop function customer_word_forget, customer_word_of_profiles, customer_word_of_ids;
drop function profile_words, trait_said, trait_text;
drop table customer_word;
