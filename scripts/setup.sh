#!/usr/bin/env bash
# Installs what a verb of the Makefile needs and this machine lacks: setup.sh run|test|soak|bench
#
# Rust is never installed here. Debian packages need root; without it the verb says in one line what is lacking.
set -eu

verb=${1:?usage: setup.sh run|test|soak|bench}
cd "$(dirname "$0")/.."

lacking=()
need() { # COMMAND PACKAGE...
    command -v "$1" >/dev/null 2>&1 || [ -x "$1" ] || lacking+=("${@:2}")
}

if ! command -v cargo >/dev/null 2>&1; then
    echo "make $verb needs Rust (cargo), which is not here: https://rustup.rs" >&2
    exit 1
fi
need cc gcc libc6-dev
need make make

if ! command -v node >/dev/null 2>&1; then lacking+=(nodejs npm); fi
need npm npm

if [ "$verb" != run ]; then
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || lacking+=(postgresql)
    need redis-server redis-server
    need /usr/sbin/sshd openssh-server
    need ssh openssh-client
    need curl curl ca-certificates
fi
if [ "$verb" = test ] || [ "$verb" = soak ]; then
    need chromium chromium
    # For the clients of other tools, see below.
    python3 -c 'import ensurepip' >/dev/null 2>&1 || lacking+=(python3-venv)
    # For a hub and an agent that do not agree about the time.
    ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || lacking+=(libfaketime)
fi
if [ "$verb" = soak ]; then
    need qemu-aarch64-static qemu-user-static
fi
if [ "$verb" != run ]; then
    need prometheus prometheus
    need amtool prometheus-alertmanager
    need debootstrap debootstrap
    need systemd-nspawn systemd-container
    need ip iproute2
    need nsenter util-linux
fi
if [ "$verb" = bench ]; then
    need victoria-metrics victoria-metrics
    need prometheus-node-exporter prometheus-node-exporter
    need ansible-playbook ansible-core
fi

if [ ${#lacking[@]} -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
            as_root=(sudo)
        elif [ "${CI:-}" != true ] && [ "$verb" != run ]; then
            # The tests that need them are skipped, each with its reason.
            echo "make $verb lacks: ${lacking[*]} (sudo apt-get install ${lacking[*]})" >&2
            exit 0
        else
            echo "make $verb lacks: ${lacking[*]} (sudo apt-get install ${lacking[*]})" >&2
            exit 1
        fi
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "make $verb lacks: ${lacking[*]}, and there is no apt-get here to install it" >&2
        exit 1
    fi
    # Packages that bring a service must not start it: the tests start their own.
    policy=/usr/sbin/policy-rc.d
    made=
    if [ ! -e "$policy" ]; then
        made=1
        "${as_root[@]}" sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"
    fi
    trap '[ -z "$made" ] || "${as_root[@]}" rm -f "$policy"' EXIT
    log=$(mktemp)
    if ! {
        "${as_root[@]}" apt-get update -q &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${lacking[@]}"
    } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        echo "make $verb lacks: ${lacking[*]} (apt-get failed, see above)" >&2
        exit 1
    fi
    rm -f "$log"
fi

major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
if [ "$major" -lt 20 ]; then
    echo "make $verb needs Node 20 or newer; this is $(node --version)" >&2
    exit 1
fi

# The libraries of PagerDuty and Opsgenie, pinned by their hashes, in a Python of their own; the tests look for them there.
if [ "$verb" = test ] || [ "$verb" = soak ]; then
    clients=${XDG_CACHE_HOME:-$HOME/.cache}/watchtower-tests/clients
    if ! cmp -s tests/clients/requirements.txt "$clients/requirements.txt"; then
        rm -rf "$clients"
        log=$(mktemp)
        if python3 -m venv "$clients" >"$log" 2>&1 &&
            "$clients/bin/pip" install -q --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
                -r tests/clients/requirements.txt >>"$log" 2>&1 </dev/null; then
            # Last: what is there in part is not there.
            cp tests/clients/requirements.txt "$clients/requirements.txt"
        else
            tail -n 5 "$log" >&2
            echo "make $verb lacks the clients of other tools (pip failed, see above)" >&2
            [ "${CI:-}" != true ] || exit 1
        fi
        rm -f "$log"
    fi
fi
