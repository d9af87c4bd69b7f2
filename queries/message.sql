-- Takes the message ids that nobody has taken, in the order of their keys, so that two
-- batches with the same ids don't wait for each other in a circle.
-- name: MessageClaim :many
insert into message (message_key, fingerprint)
select m.key, m.fingerprint
from unnest(@keys::uuid[], @fingerprints::bigint[]) as m (key, fingerprint)
order by m.key
on conflict (tenant_id, message_key) do nothing
returning message_key;

-- name: MessageFingerprintList :many
select message_key, fingerprint
from message
where message_key = any (@keys::uuid[]);

-- Worker: forgets the messages that are past the time of dedup, some at a time.
-- name: MessageExpire :execrows
delete from message
where ctid = any (array(
  select m.ctid
  from message m
  where m.received_at < now() - @keep::interval
  limit @most
));
