-- A third kind of key: one that may set up a tenant and correct its data.
-- +goose Up
alter type api_key_kind add value if not exists 'manage';

-- +goose Down
-- A value can't be taken out of an enum; keys of that kind are ended instead.
update api_key set revoked_at = now() where kind::text = 'manage' and revoked_at is null;
