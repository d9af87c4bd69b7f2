-- What people and accounts are called, and lists of them. Each order is a statement of its own,
-- as whoever sees some rows alone may not read what some of them sort by. What has nothing to be
-- sorted by comes last, whichever way: as a number it is -1. A sign of -1 turns their order round.

-- What is known of how subjects of one kind are called.
-- name: CustomerWordListOfAccounts :many
select subject_id, kind, spelling::text as spelling
from customer_word
where subject = 'account' and subject_id = any (@account_ids::bigint[]) and kind <> 'ID' and spelling is not null
order by subject_id, kind;

-- The same of persons, by what was said last under any of their ids.
-- name: CustomerWordListOfPersons :many
select distinct on (i.person_id, w.kind) i.person_id, w.kind, w.spelling::text as spelling
from identity i
join customer_word w on w.subject = 'person' and w.subject_id = i.identity_id
where i.person_id = any (@person_ids::bigint[]) and w.kind <> 'ID' and w.spelling is not null
order by i.person_id, w.kind, w.said desc, w.subject_id;

-- name: AccountPageByName :many
select a.account_id, a.group_type, a.group_id, a.first_seen_at, n.word
from account a
left join customer_word n on n.subject = 'account' and n.subject_id = a.account_id and n.kind = 'NAME'
where (@search::text = '' or a.account_id in (select s.subject_id from customer_search('account', @search, @personal::boolean) s))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_word)::text is null then n.word is null and a.account_id > @after_id::bigint
    else n.word is null or n.word > sqlc.narg(after_word) or n.word = sqlc.narg(after_word) and a.account_id > @after_id
  end
order by n.word nulls last, a.account_id
limit @most;

-- name: AccountPageByNameDown :many
select a.account_id, a.group_type, a.group_id, a.first_seen_at, n.word
from account a
left join customer_word n on n.subject = 'account' and n.subject_id = a.account_id and n.kind = 'NAME'
where (@search::text = '' or a.account_id in (select s.subject_id from customer_search('account', @search, @personal::boolean) s))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_word)::text is null then n.word is null and a.account_id < @after_id::bigint
    else n.word is null or n.word < sqlc.narg(after_word) or n.word = sqlc.narg(after_word) and a.account_id < @after_id
  end
order by n.word desc nulls last, a.account_id desc
limit @most;

-- name: AccountPageByFirstSeen :many
select a.account_id, a.group_type, a.group_id, a.first_seen_at, coalesce(l.seen, -1)::bigint as number
from account a
cross join (select @sign::bigint as turn) o
cross join lateral (select (extract(epoch from a.first_seen_at) * 1000000)::bigint as seen) l
where (@search::text = '' or a.account_id in (select s.subject_id from customer_search('account', @search, @personal::boolean) s))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_number)::bigint is null then l.seen is null and a.account_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
    else l.seen is null
      or l.seen * o.turn > sqlc.narg(after_number)::bigint * o.turn
      or l.seen = sqlc.narg(after_number)::bigint and a.account_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
  end
order by l.seen * o.turn nulls last, a.account_id * o.turn
limit @most;

-- The last day on which somebody did something for it, and the last quarter hour in which one of
-- those was there on that day, as one number: 128 to a day.
-- name: AccountPageByLastSeen :many
select a.account_id, a.group_type, a.group_id, a.first_seen_at, coalesce(l.seen, -1)::bigint as number
from account a
cross join (select @sign::bigint as turn) o
left join (
  select m.account_id, max((m.last_day - date '1970-01-01')::bigint * 128 + coalesce(length(rtrim(p.slots::text, '0')) - 1, 0)) as seen
  from (select account_id, max(last_day) as last_day from membership group by account_id) x
  join membership m on m.account_id = x.account_id and m.last_day = x.last_day
  left join presence p on p.day = m.last_day and p.identity_id = m.identity_id
  group by m.account_id
) l on l.account_id = a.account_id
where (@search::text = '' or a.account_id in (select s.subject_id from customer_search('account', @search, @personal::boolean) s))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_number)::bigint is null then l.seen is null and a.account_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
    else l.seen is null
      or l.seen * o.turn > sqlc.narg(after_number)::bigint * o.turn
      or l.seen = sqlc.narg(after_number)::bigint and a.account_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
  end
order by l.seen * o.turn nulls last, a.account_id * o.turn
limit @most;

-- What it comes to now, each currency multiplied by its factor; one without a factor is left out.
-- name: AccountPageByMrr :many
select a.account_id, a.group_type, a.group_id, a.first_seen_at, coalesce(r.mrr, -1)::bigint as number
from account a
cross join (select @sign::bigint as turn) o
left join (
  select m.account_id, round(sum(m.amount * f.factor))::bigint as mrr
  from mrr_movement m
  join unnest(@currencies::text[], @factors::double precision[]) as f (currency, factor) on f.currency = m.currency
  where m.superseded_at is null
    and m.shown_at <= now()
    and (m.hidden_at is null or m.hidden_at > now())
  group by m.account_id
  having sum(m.amount) <> 0
) r on r.account_id = a.account_id
where (@search::text = '' or a.account_id in (select s.subject_id from customer_search('account', @search, @personal::boolean) s))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_number)::bigint is null then r.mrr is null and a.account_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
    else r.mrr is null
      or r.mrr * o.turn > sqlc.narg(after_number)::bigint * o.turn
      or r.mrr = sqlc.narg(after_number)::bigint and a.account_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
  end
order by r.mrr * o.turn nulls last, a.account_id * o.turn
limit @most;

-- By what they come to, in tenths.
-- name: AccountPageByHealth :many
select a.account_id, a.group_type, a.group_id, a.first_seen_at, coalesce(h.score, -1)::bigint as number
from account a
cross join (select @sign::bigint as turn) o
left join health_score h on h.account_id = a.account_id
where (@search::text = '' or a.account_id in (select s.subject_id from customer_search('account', @search, @personal::boolean) s))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_number)::bigint is null then h.score is null and a.account_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
    else h.score is null
      or h.score * o.turn > sqlc.narg(after_number)::bigint * o.turn
      or h.score = sqlc.narg(after_number)::bigint and a.account_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
  end
order by h.score * o.turn nulls last, a.account_id * o.turn
limit @most;

-- The best first; those that fit equally by name.
-- name: AccountPageByRelevance :many
select a.account_id, a.group_type, a.group_id, a.first_seen_at, s.score::double precision as score, n.word
from customer_search('account', @search, @personal::boolean) s
join account a on a.account_id = s.subject_id
left join customer_word n on n.subject = 'account' and n.subject_id = a.account_id and n.kind = 'NAME'
where not @continued::boolean or s.score < @after_score::double precision or s.score = @after_score and case
    when not @continued::boolean then true
    when sqlc.narg(after_word)::text is null then n.word is null and a.account_id > @after_id::bigint
    else n.word is null or n.word > sqlc.narg(after_word) or n.word = sqlc.narg(after_word) and a.account_id > @after_id
  end
order by s.score desc, n.word nulls last, a.account_id
limit @most;

-- name: AccountCount :one
select count(*)
from account a
where (@search::text = '' or a.account_id in (select s.subject_id from customer_search('account', @search, @personal::boolean) s));

-- Of persons: the roots of their groups.
-- name: PersonPageByName :many
select a.identity_id, a.born_at, n.word
from identity a
left join (
  select distinct on (i.person_id) i.person_id, w.word
  from customer_word w
  join identity i on i.identity_id = w.subject_id
  where w.subject = 'person' and w.kind = 'NAME' and w.word is not null
  order by i.person_id, w.said desc, w.subject_id
) n on n.person_id = a.identity_id
where a.person_id = a.identity_id
  and not exists (select from erasure e where e.forgotten_at is null and e.identity_ids @> array[a.identity_id])
  and (@search::text = '' or a.identity_id in (
    select i.person_id
    from customer_search('person', @search, true) s
    join identity i on i.identity_id = s.subject_id
  ))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_word)::text is null then n.word is null and a.identity_id > @after_id::bigint
    else n.word is null or n.word > sqlc.narg(after_word) or n.word = sqlc.narg(after_word) and a.identity_id > @after_id
  end
order by n.word nulls last, a.identity_id
limit @most;

-- name: PersonPageByNameDown :many
select a.identity_id, a.born_at, n.word
from identity a
left join (
  select distinct on (i.person_id) i.person_id, w.word
  from customer_word w
  join identity i on i.identity_id = w.subject_id
  where w.subject = 'person' and w.kind = 'NAME' and w.word is not null
  order by i.person_id, w.said desc, w.subject_id
) n on n.person_id = a.identity_id
where a.person_id = a.identity_id
  and not exists (select from erasure e where e.forgotten_at is null and e.identity_ids @> array[a.identity_id])
  and (@search::text = '' or a.identity_id in (
    select i.person_id
    from customer_search('person', @search, true) s
    join identity i on i.identity_id = s.subject_id
  ))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_word)::text is null then n.word is null and a.identity_id < @after_id::bigint
    else n.word is null or n.word < sqlc.narg(after_word) or n.word = sqlc.narg(after_word) and a.identity_id < @after_id
  end
order by n.word desc nulls last, a.identity_id desc
limit @most;

-- name: PersonPageByFirstSeen :many
select a.identity_id, a.born_at, coalesce(l.seen, -1)::bigint as number
from identity a
cross join (select @sign::bigint as turn) o
cross join lateral (select (extract(epoch from a.born_at) * 1000000)::bigint as seen) l
where a.person_id = a.identity_id
  and not exists (select from erasure e where e.forgotten_at is null and e.identity_ids @> array[a.identity_id])
  and (@search::text = '' or a.identity_id in (
    select i.person_id
    from customer_search('person', @search, true) s
    join identity i on i.identity_id = s.subject_id
  ))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_number)::bigint is null then l.seen is null and a.identity_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
    else l.seen is null
      or l.seen * o.turn > sqlc.narg(after_number)::bigint * o.turn
      or l.seen = sqlc.narg(after_number)::bigint and a.identity_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
  end
order by l.seen * o.turn nulls last, a.identity_id * o.turn
limit @most;

-- The last quarter hour, as one number: 128 to a day.
-- name: PersonPageByLastSeen :many
select a.identity_id, a.born_at, coalesce(l.seen, -1)::bigint as number
from identity a
cross join (select @sign::bigint as turn) o
left join (
  select p.person_id, max((p.day - date '1970-01-01')::bigint * 128 + length(rtrim(p.slots::text, '0')) - 1) as seen
  from presence p
  group by p.person_id
) l on l.person_id = a.identity_id
where a.person_id = a.identity_id
  and not exists (select from erasure e where e.forgotten_at is null and e.identity_ids @> array[a.identity_id])
  and (@search::text = '' or a.identity_id in (
    select i.person_id
    from customer_search('person', @search, true) s
    join identity i on i.identity_id = s.subject_id
  ))
  and case
    when not @continued::boolean then true
    when sqlc.narg(after_number)::bigint is null then l.seen is null and a.identity_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
    else l.seen is null
      or l.seen * o.turn > sqlc.narg(after_number)::bigint * o.turn
      or l.seen = sqlc.narg(after_number)::bigint and a.identity_id * o.turn > sqlc.arg(after_id)::bigint * o.turn
  end
order by l.seen * o.turn nulls last, a.identity_id * o.turn
limit @most;

-- name: PersonPageByRelevance :many
select a.identity_id, a.born_at, s.score::double precision as score, n.word
from (
  select i.person_id, max(f.score) as score
  from customer_search('person', @search, true) f
  join identity i on i.identity_id = f.subject_id
  group by i.person_id
) s
join identity a on a.identity_id = s.person_id
left join (
  select distinct on (i.person_id) i.person_id, w.word
  from customer_word w
  join identity i on i.identity_id = w.subject_id
  where w.subject = 'person' and w.kind = 'NAME' and w.word is not null
  order by i.person_id, w.said desc, w.subject_id
) n on n.person_id = a.identity_id
where not exists (select from erasure e where e.forgotten_at is null and e.identity_ids @> array[a.identity_id])
  and (not @continued::boolean or s.score < @after_score::double precision or s.score = @after_score and case
    when not @continued::boolean then true
    when sqlc.narg(after_word)::text is null then n.word is null and a.identity_id > @after_id::bigint
    else n.word is null or n.word > sqlc.narg(after_word) or n.word = sqlc.narg(after_word) and a.identity_id > @after_id
  end)
order by s.score desc, n.word nulls last, a.identity_id
limit @most;

-- name: PersonCount :one
select count(*)
from identity a
where a.person_id = a.identity_id
  and not exists (select from erasure e where e.forgotten_at is null and e.identity_ids @> array[a.identity_id])
  and (@search::text = '' or a.identity_id in (
    select i.person_id
    from customer_search('person', @search, true) s
    join identity i on i.identity_id = s.subject_id
  ));
