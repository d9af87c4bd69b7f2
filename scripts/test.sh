#!/usr/bin/env bash
# Runs all tests with a throw-away PostgreSQL and Redis on free ports.
# Arguments go to go test; CI=true insists on a real Redis.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v redis-server >/dev/null 2>&1 && ! command -v valkey-server >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "test: installing redis-server" >&2
    apt-get update -qq >&2
    # Without its service: the tests start their own on a free port.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >&2
  fi
fi

if [ "${CI:-}" = true ]; then insist=-real-redis; else insist=; fi
go build -o bin/sandbox ./internal/sandbox
# The libraries for Node and browsers that a test sends with, installed when their list changes.
sdk=internal/scenario/testdata/sdk
if command -v npm >/dev/null 2>&1; then
  stamp=$(cksum <"$sdk/package-lock.json")
  if [ "$(cat "$sdk/node_modules/.tidemark-installed" 2>/dev/null)" != "$stamp" ]; then
    echo "test: installing the client libraries that a test sends with" >&2
    (cd "$sdk" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    echo "$stamp" >"$sdk/node_modules/.tidemark-installed"
  fi
fi
if [ -d web/node_modules ]; then
  (cd web && npm run --silent test)
fi
[ $# -gt 0 ] || set -- ./...
# The services run as DATABASE_URL and REDIS_URL; a test without them fails.
./bin/sandbox $insist go test -timeout 20m "$@"
