# `make` lists the verbs. Each sets up what it needs (scripts/setup.sh), and says in one line what it lacks.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The verbs name their parts in order: agents are built before the hub that holds them.
.NOTPARALLEL:

TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
ARCH := $(shell uname -m)
OTHER := $(if $(filter x86_64,$(ARCH)),aarch64,x86_64)
DATA ?= ./data

.PHONY: help
help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

.PHONY: run
run: setup-run web-dist only-own-agent hub ## build for this machine, then serve with it as the first server (DATA=./data)
	@exec $(TARGET)/release/watchtower serve --with-local-agent --data-dir "$(DATA)"

.PHONY: build
build: setup-run web-dist agent other-agent hub ## the release hub: dashboard and agents for x86_64 and aarch64 inside

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
soak: setup-soak web-dist agent-debug other-agent ## the fault tests with their full number of rounds, and the agent of the other architecture
	@cargo build --locked -p watchtower
	@SOAK=1 CI=$(CI) WATCHTOWER_OTHER_AGENT=$(TARGET)/agents/watchtower-agent-$(OTHER) \
		cargo test --locked -p watchtower-tests --test e2e -- --nocapture --test-threads 1 --include-ignored crash lab:: proof:: other_arch

.PHONY: fuzz
fuzz: setup-run ## hostile bytes against every parser of outside input, for FUZZ_SECONDS=60 each
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) cargo test --locked --release -p watchtower-tests --test fuzz -- --nocapture

# The parts.

.PHONY: setup-run setup-test setup-soak setup-bench
setup-run setup-test setup-soak setup-bench: setup-%:
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

# One binary is all there is to copy: the agents go into the hub.
.PHONY: hub
hub: agent
	@WATCHTOWER_BUILT_IN_AGENTS=$(TARGET)/agents cargo build --locked --release -p watchtower

# The agent as it is put on hosts: static, so that it runs on any of them.
.PHONY: agent other-agent
agent:
	@scripts/agent.sh $(ARCH) $(TARGET) $(TARGET)/agents/watchtower-agent-$(ARCH)

# What an earlier `make build` left would be of another version.
.PHONY: only-own-agent
only-own-agent:
	@rm -f $(TARGET)/agents/watchtower-agent-$(OTHER)

# A machine that cannot have the tools builds a hub without it; in CI that is a failure.
other-agent:
	@scripts/agent.sh $(OTHER) $(TARGET) $(TARGET)/agents/watchtower-agent-$(OTHER) || { [ $$? = 3 ] && [ "$(CI)" != true ]; }

.PHONY: agent-debug
agent-debug:
	@scripts/agent.sh $(ARCH) $(TARGET) $(TARGET)/agents-debug/watchtower-agent-$(ARCH) dev
