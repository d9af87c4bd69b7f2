#!/bin/sh
# Runs once, when the data folder is made: the roles that docs/operations.md explains, and
# the database in the hands of its owner. The image's own user stays the superuser.
set -eu
: "${TIDEMARK_OWNER_PASSWORD:?}" "${TIDEMARK_SERVE_PASSWORD:?}" "${TIDEMARK_WORK_PASSWORD:?}"

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv database POSTGRES_DB
\getenv owner TIDEMARK_OWNER_PASSWORD
\getenv serve TIDEMARK_SERVE_PASSWORD
\getenv work TIDEMARK_WORK_PASSWORD

create role tidemark_app nologin;
create role tidemark_worker nologin;
create role tidemark_access nologin;
create role tidemark_narrow nologin;

create role tidemark_owner login password :'owner';
grant tidemark_app, tidemark_worker, tidemark_access, tidemark_narrow to tidemark_owner with admin option;
alter database :"database" owner to tidemark_owner;

create role tidemark_serve login password :'serve';
grant tidemark_app, tidemark_access, tidemark_narrow to tidemark_serve;

create role tidemark_work login replication password :'work';
grant tidemark_worker, tidemark_access, tidemark_app to tidemark_work;
SQL
