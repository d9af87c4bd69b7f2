-- Takes message ids that nobody has taken, as nearly always; else it fails, which costs less
-- than looking each time. In the order of the keys, so that neighbours share a page.
-- name: MessageTake :exec
with turn as materialized (
  select current_tenant() as tenant_id -- once, and not for each row
)
insert into message (tenant_id, message_key, fingerprint)
select t.tenant_id, w.key, w.fingerprint
from unnest(@keys::uuid[], @fingerprints::bigint[]) as w (key, fingerprint)
cross join turn t;

-- Takes the message ids that nobody has taken, and returns those that somebody has. Only the
-- holder of the tenant's turn takes ids, so that looking first is enough.
-- name: MessageClaim :many
with taken as materialized (
  select m.message_key, m.fingerprint
  from message m
  where m.message_key = any (@keys::uuid[])
),
claimed as (
  insert into message (message_key, fingerprint)
  select w.key, w.fingerprint
  from unnest(@keys::uuid[], @fingerprints::bigint[]) as w (key, fingerprint)
  where not exists (select from taken t where t.message_key = w.key)
  order by w.key
)
select t.message_key, t.fingerprint
from taken t;

-- Worker: forgets the messages that are past the time of dedup, some at a time.
-- name: MessageExpire :execrows
delete from message
where ctid = any (array(
  select m.ctid
  from message m
  where m.received_at < now() - @keep::interval
  limit @most
));
