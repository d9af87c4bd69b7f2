-- name: ReportInsert :one
insert into report (report_id, name, document, variables, saved_by)
values (@report_id, @name, @document, @variables, @saved_by)
returning report_id, name, document, variables, created_at, updated_at;

-- name: ReportUpdate :one
update report
set name = @name, document = @document, variables = @variables, saved_by = @saved_by, updated_at = now()
where report_id = @report_id and removed_at is null
returning report_id, name, document, variables, created_at, updated_at;

-- A report that others are let see stays.
-- name: ReportRemove :execrows
update report r
set removed_at = now()
where r.report_id = @report_id
  and r.removed_at is null
  and not exists (
    select from report_share s where s.tenant_id = r.tenant_id and s.report_id = r.report_id and s.ended_at is null
  );

-- name: ReportGet :one
select report_id, name, document, variables, created_at, updated_at
from report
where report_id = @report_id and removed_at is null;

-- name: ReportCount :one
select count(*)
from report
where removed_at is null;

-- The latest made first: ids rise with time.
-- name: ReportPage :many
select report_id, name, document, variables, created_at, updated_at
from report
where removed_at is null and report_id < @before_id
order by report_id desc
limit @most;

-- No row: it is shared with this tenant already.
-- name: ReportShareInsert :one
insert into report_share (share_id, report_id, grantee_id, row_conditions, shared_by)
values (@share_id, @report_id, @grantee_id, sqlc.narg(row_conditions), @shared_by)
on conflict (tenant_id, report_id, grantee_id) where ended_at is null do nothing
returning share_id, report_id, grantee_id, row_conditions, shared_at, ended_at;

-- name: ReportShareEnd :one
update report_share
set ended_at = now()
where share_id = @share_id and ended_at is null
returning share_id, report_id, grantee_id, row_conditions, shared_at, ended_at;

-- Those that hold, of a report, the latest first.
-- name: ReportShareList :many
select share_id, report_id, grantee_id, row_conditions, shared_at, ended_at
from report_share
where report_id = @report_id and ended_at is null
order by share_id desc
limit @most;

-- What others share with the tenant of the transaction, the latest first.
-- name: ReportReceivedPage :many
select share_id, owner_id, shared_by, report_id, name, document, variables, row_conditions, shared_at
from shared.report_received
where share_id < @before_id
order by share_id desc
limit @most;

-- name: ReportReceivedGet :one
select share_id, owner_id, shared_by, report_id, name, document, variables, row_conditions, shared_at
from shared.report_received
where share_id = @share_id;
