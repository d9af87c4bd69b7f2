#!/usr/bin/env bash
# Lints with the linter that tools/lint pins.
set -euo pipefail
cd "$(dirname "$0")/.."

export CGO_ENABLED=0
mkdir -p bin
(cd tools/lint && go build -o ../../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
./bin/golangci-lint run ./...
