-- name: MailPut :exec
insert into mail_outbox (mail_id, sealed_mail)
values (@mail_id, @sealed_mail);

-- Worker: one that is due, for the time that sending may take; whoever dies with it leaves it
-- to others after that.
-- name: MailTake :many
update mail_outbox
set attempts = attempts + 1, next_at = now() + make_interval(secs => @lease_seconds)
where mail_id in (
  select mail_id
  from mail_outbox
  where failed_at is null and next_at <= now()
  order by next_at, mail_id
  limit @most
  for update skip locked
)
returning mail_id, sealed_mail, attempts;

-- Worker.
-- name: MailSent :exec
delete from mail_outbox
where mail_id = @mail_id;

-- Worker.
-- name: MailRetry :exec
update mail_outbox
set next_at = now() + make_interval(secs => @wait_seconds)
where mail_id = @mail_id;

-- Worker.
-- name: MailGiveUp :exec
update mail_outbox
set failed_at = now()
where mail_id = @mail_id;

-- Worker: what was given up.
-- name: MailForget :execrows
delete from mail_outbox
where failed_at < @before;
