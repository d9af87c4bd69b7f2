#!/usr/bin/env bash
# Generates the SQL and GraphQL code. sqlc takes its types from a migrated database.
set -euo pipefail
cd "$(dirname "$0")/.."

export CGO_ENABLED=0
mkdir -p bin
(cd tools && go build -o ../bin/sqlc github.com/sqlc-dev/sqlc/cmd/sqlc)
go build -o bin/sandbox ./internal/sandbox
./bin/sandbox -migrate sh -c './bin/sqlc generate && ./bin/sqlc vet'
go tool gqlgen generate
