-- What answers are read from and was not followed yet: what is somebody's who signs in, which is of
-- no tenant, the days of health, and the refreshes of views.
-- +goose Up

-- Whose a session is tells who is to be told of it.
alter publication tidemark drop table session;
alter publication tidemark add table
  session (tenant_id, session_id, login_id),
  login (login_id),
  second_factor (login_id),
  recovery_code (login_id, code_hash),
  health_day (tenant_id, account_id, day),
  view_refresh (refresh_id);

-- +goose Down
alter publication tidemark drop table session, login, second_factor, recovery_code, health_day, view_refresh;
alter publication tidemark add table session (tenant_id, session_id);
