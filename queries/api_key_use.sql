-- Many at once. What is older than what is known changes nothing.
-- name: APIKeyUseNote :exec
insert into api_key_use as u (api_key_id, used_at, network)
select distinct on (n.api_key_id) n.api_key_id, n.used_at, nullif(n.network, '')::cidr
from unnest(@api_key_ids::uuid[], @used_ats::timestamptz[], @networks::text[]) as n (api_key_id, used_at, network)
order by n.api_key_id, n.used_at desc
on conflict (tenant_id, api_key_id) do update
set used_at = excluded.used_at, network = excluded.network
where u.used_at < excluded.used_at;

-- One row if nobody told of it within the hour.
-- name: APIKeyMisuseNote :execrows
insert into api_key_misuse as m (api_key_id, reason)
values (@api_key_id, @reason)
on conflict (tenant_id, api_key_id, reason) do update
set told_at = now()
where m.told_at < now() - interval '1 hour';
