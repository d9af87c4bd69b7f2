-- Of the tenant of the transaction, with the zone whose nights are its own. A tenant that
-- has set nothing has a row of nulls.
-- name: TenantLimitGet :one
select
  t.zone, l.read_per_minute, l.write_per_minute, l.burst_seconds, l.off_peak_percent, l.caller_percent
from tenant t
left join tenant_limit l on l.tenant_id = t.tenant_id;

-- All of them at once: what is left out is as the installation has it.
-- name: TenantLimitSet :exec
insert into tenant_limit (read_per_minute, write_per_minute, burst_seconds, off_peak_percent, caller_percent)
values (
  sqlc.narg(read_per_minute), sqlc.narg(write_per_minute), sqlc.narg(burst_seconds),
  sqlc.narg(off_peak_percent), sqlc.narg(caller_percent)
)
on conflict (tenant_id) do update
set
  read_per_minute = excluded.read_per_minute,
  write_per_minute = excluded.write_per_minute,
  burst_seconds = excluded.burst_seconds,
  off_peak_percent = excluded.off_peak_percent,
  caller_percent = excluded.caller_percent,
  set_at = now();
