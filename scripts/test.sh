#!/usr/bin/env bash
# All that `make test` checks, cheapest first, each part with its time: test.sh TARGET
set -eu

target=$1
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}

part() { # NAME COMMAND...
    local name=$1 began=$SECONDS
    shift
    echo "== $name"
    "$@"
    echo "== $name: $((SECONDS - began)) s"
    times+=("$(printf '%6d s  %s' $((SECONDS - began)) "$name")")
}
times=()

web() { npm run --silent --prefix web "$1"; }

# The end-to-end tests have a part of their own: they need the hosts' agent and the hub built first.
cargo_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --workspace --exclude watchtower-tests --no-fail-fast --status-level fail --final-status-level fail
    else
        cargo test --locked --quiet --workspace --exclude watchtower-tests --no-fail-fast
    fi
}

end_to_end() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked -p watchtower-tests --no-fail-fast --status-level all --final-status-level fail
    else
        cargo test --locked -p watchtower-tests --no-fail-fast
    fi
}

browser() {
    WATCHTOWER_BIN="$target/debug/watchtower" WATCHTOWER_AGENTS_DIR="$target/agents-debug" node tests/web/start.mjs
}

part "rustfmt" cargo fmt --check
part "clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
part "layers" cargo run --locked -q -p xtask -- layers
part "tidy" cargo run --locked -q -p xtask -- tidy
# What is generated is what is committed.
openapi() {
    cargo run --locked -q -p xtask -- openapi
    git diff --exit-code --stat -- web/openapi.json
}
schema() {
    web schema >/dev/null
    git diff --exit-code --stat -- web/src/api/schema.ts
}

part "openapi" openapi
part "web: install" make --no-print-directory node-modules
part "web: schema" schema
part "web: lint" web lint
part "web: types" web typecheck
part "web: unit" web test
part "web: build" make --no-print-directory web-dist
part "web: size" web size
part "cargo: unit, stores, buses" cargo_tests
part "agent for hosts" make --no-print-directory agent-debug
part "hub" cargo build --locked -p watchtower -p watchtower-agent
part "end to end" end_to_end
part "browser" browser

printf '%s\n' "${times[@]}" "all green in $SECONDS s"
