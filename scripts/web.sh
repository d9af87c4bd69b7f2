#!/usr/bin/env bash
# Builds the playground into web/dist, if something in web/ has changed since the last time.
set -euo pipefail
cd "$(dirname "$0")/../web"

if ! command -v npm >/dev/null 2>&1; then
  echo "web: npm was not found, so the playground is not built. The API works without it." >&2
  echo "     Install Node 20 or later, and run make web." >&2
  exit 0
fi

stamp=$(find . ../schema.graphqls ../graph -type f ! -path './node_modules/*' ! -path './dist/*' ! -name '*.md' ! -name '*.go' |
  LC_ALL=C sort | xargs cat | cksum)
if [ -f dist/index.html ] && [ "$(cat node_modules/.tidemark-built 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
echo "web: building the playground" >&2
npm ci --no-audit --no-fund --loglevel=error >&2
npm run --silent build >&2
echo "$stamp" > node_modules/.tidemark-built
