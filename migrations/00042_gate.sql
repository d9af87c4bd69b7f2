-- What a tenant is called, or looks like, changes nobody's rights. Who follows the log tells such
-- a change from others by the row as it was before.
-- +goose Up
alter table tenant replica identity full;

-- +goose Down
alter table tenant replica identity default;
