-- Takes the key, or takes it over from a claim whose lease has ended without an answer. No
-- row: somebody else has it, or has it answered, or used it for something else.
-- name: IdempotencyKeyClaim :one
insert into idempotency_key as k (slot, fingerprint, claim_id, leased_until)
values (@slot, @fingerprint, @claim_id, now() + make_interval(secs => @lease_seconds::double precision))
on conflict (tenant_id, slot) do update
set claim_id = excluded.claim_id, leased_until = excluded.leased_until
where k.answered_at is null and k.leased_until <= now() and k.fingerprint = excluded.fingerprint
returning k.claim_id;

-- What has become of a key that could not be claimed.
-- name: IdempotencyKeyGet :one
select fingerprint, sealed_answer, (answered_at is not null)::boolean as answered
from idempotency_key
where slot = @slot;

-- None if the claim was taken over meanwhile.
-- name: IdempotencyKeyAnswer :execrows
update idempotency_key
set sealed_answer = @sealed_answer, answered_at = now()
where slot = @slot and claim_id = @claim_id and answered_at is null;

-- The claim's lease ends now, and the next one who comes may try.
-- name: IdempotencyKeyRelease :execrows
update idempotency_key
set leased_until = now()
where slot = @slot and claim_id = @claim_id and answered_at is null;

-- Worker: keys older than the given hours, as many at a time as given.
-- name: IdempotencyKeyForget :execrows
delete from idempotency_key
where (tenant_id, slot) in (
  select k.tenant_id, k.slot
  from idempotency_key k
  where k.created_at < now() - make_interval(hours => @hours::int)
  order by k.created_at
  limit @most
);
