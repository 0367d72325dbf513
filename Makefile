# `make` lists the verbs. Each sets up what it needs (scripts/setup.sh), and says in one line what it lacks.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
HOST := x86_64-unknown-linux-gnu
STATIC := RUSTFLAGS="-C target-feature=+crt-static"
DATA ?= ./data

.PHONY: help
help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

.PHONY: run
run: build ## build, then serve with this machine as the first server (DATA=./data)
	@exec $(TARGET)/release/watchtower serve --with-local-agent --data-dir "$(DATA)" --agents-dir $(TARGET)/agents

.PHONY: build
build: setup-run web-dist ## the release hub with the dashboard inside, and the static agent
	@$(STATIC) cargo build --locked --profile agent --target $(HOST) -p watchtower-agent
	@mkdir -p $(TARGET)/agents
	@install -m 755 $(TARGET)/$(HOST)/agent/watchtower-agent $(TARGET)/agents/watchtower-agent-x86_64
	@cargo build --locked --release -p watchtower

.PHONY: dev
dev: setup-run node-modules agent-debug ## a debug hub, and the dashboard with hot reload in front of it
	@cargo build -p watchtower
	@scripts/dev.sh $(TARGET) "$(DATA)"

.PHONY: lint
lint: setup-run node-modules ## format, clippy, layers, tidy, and the dashboard's lint and types
	@cargo fmt --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@cargo run --locked -q -p xtask -- layers
	@cargo run --locked -q -p xtask -- tidy
	@cd web && npm run --silent lint && npm run --silent typecheck

.PHONY: test
test: setup-test ## everything: lint, unit, stores and buses on real servers, end to end on real hosts and a real browser
	@scripts/test.sh $(TARGET)

.PHONY: bench
bench: setup-bench build ## measure the budgets beside node_exporter and Prometheus with Alertmanager
	@cargo build --locked --release -p watchtower-bench
	@WATCHTOWER_BIN=$(TARGET)/release/watchtower WATCHTOWER_AGENTS_DIR=$(TARGET)/agents $(TARGET)/release/watchtower-bench

.PHONY: soak
soak: setup-test web-dist agent-debug ## the fault tests with their full number of rounds
	@cargo build --locked -p watchtower
	@SOAK=1 CI=$(CI) cargo test --locked -p watchtower-tests --test e2e -- --nocapture crash executor::killed

.PHONY: fuzz
fuzz: setup-run ## hostile bytes against every parser of outside input, for FUZZ_SECONDS=60 each
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) cargo test --locked --release -p watchtower-tests --test fuzz -- --nocapture

# The parts.

.PHONY: setup-run setup-test setup-bench
setup-run setup-test setup-bench: setup-%:
	@scripts/setup.sh $*

# Lives beside node_modules: npm changes the folder's own time at will.
web/node_modules/.installed: web/package.json web/package-lock.json
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: node-modules
node-modules: web/node_modules/.installed

.PHONY: web-dist
web-dist: node-modules
	@cd web && npm run --silent build

# The agent as it is put on hosts: static, so that it runs on any of them.
.PHONY: agent-debug
agent-debug:
	@$(STATIC) cargo build --locked --target $(HOST) -p watchtower-agent
	@mkdir -p $(TARGET)/agents-debug
	@install -m 755 $(TARGET)/$(HOST)/debug/watchtower-agent $(TARGET)/agents-debug/watchtower-agent-x86_64
