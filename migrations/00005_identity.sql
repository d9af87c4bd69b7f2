-- A stop-gap for the columns that identities bring.
-- +goose Up
alter table event rename column person_id to identity_id;
alter table event add column group_type text, add column group_id text;

-- +goose Down
alter table event drop column group_type, drop column group_id;
alter table event rename column identity_id to person_id;
