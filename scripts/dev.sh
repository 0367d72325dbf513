#!/usr/bin/env bash
# A debug hub and the dashboard's dev server, both ended together: dev.sh TARGET DATA
set -eu

target=$1
data=$2
cd "$(dirname "$0")/.."

"$target/debug/watchtower" serve --with-local-agent --data-dir "$data" --agents-dir "$target/agents-debug" &
hub=$!
trap 'kill "$hub" 2>/dev/null || true; wait "$hub" 2>/dev/null || true' EXIT
cd web
npm run --silent dev
