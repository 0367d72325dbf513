#!/usr/bin/env bash
# Builds the static agent as it is put on hosts: agent.sh ARCH TARGET OUT [PROFILE]
#
# ARCH is x86_64 or aarch64, TARGET cargo's target folder, OUT the file to write, PROFILE cargo's (`agent` by default). For an architecture other than this machine's, rustup's
# standard library is used where it can be had, else Debian's own Rust with its library for that architecture. Exit code 3: the tools for
# it cannot be had here, and the last line says which.
set -eu

arch=$1 target=$2 out=$3 profile=${4:-agent}
triple=$arch-unknown-linux-gnu
upper=${triple^^}
upper=${upper//-/_}
cd "$(dirname "$0")/.."

build() { # CARGO'S TARGET FOLDER
    export "CARGO_TARGET_${upper}_RUSTFLAGS=-C target-feature=+crt-static ${sysroot:-}"
    cargo build --locked --profile "$profile" --target "$triple" --target-dir "$1" -p watchtower-agent
    local built=$1/$triple/${profile/#dev/debug}/watchtower-agent
    mkdir -p "$(dirname "$out")"
    # A file that is newer makes cargo build the hub again.
    cmp -s "$built" "$out" || install -m 755 "$built" "$out"
}

if [ "$arch" = "$(uname -m)" ]; then
    build "$target"
    exit
fi

# An older one must not be taken for this one.
lack() {
    rm -f "$out"
    echo "no agent for $arch: $1" >&2
    exit 3
}

root() { # COMMAND...
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# The packages of Debian's Rust for browsers are newer than the release's own.
packages() { # PACKAGE...
    dpkg -s "$@" >/dev/null 2>&1 && return
    command -v apt-get >/dev/null 2>&1 || lack "install ${*}"
    { root apt-get update -q &&
        root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"; } >/dev/null 2>&1 </dev/null ||
        lack "sudo apt-get install $*"
}

case $arch in
aarch64) cross=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross) debian=arm64 ;;
x86_64) cross=(gcc-x86-64-linux-gnu libc6-dev-amd64-cross) debian=amd64 ;;
*) lack "agents are built for x86_64 and aarch64" ;;
esac
packages "${cross[@]}"
export "CC_${triple//-/_}=$arch-linux-gnu-gcc" "CARGO_TARGET_${upper}_LINKER=$arch-linux-gnu-gcc"

if rustup target list --installed 2>/dev/null | grep -qx "$triple" || timeout 60 rustup target add "$triple" >/dev/null 2>&1; then
    build "$target"
    exit
fi

# Its library is taken out of the package without installing it: the machine's list of architectures stays as it is.
packages rustc-web
version=$(dpkg-query -W -f '${Version}' rustc-web)
kept=$target/cross/$triple-$version
if [ ! -d "$kept" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$(dirname "$kept")"
    fetch() {
        apt-get -q -o APT::Architecture=$debian -o APT::Architectures::=$debian -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" \
            -o APT::Sandbox::User=root "$@" >/dev/null 2>&1
    }
    fetch update && (cd "$work" && fetch download "libstd-rust-web-dev:$debian=$version") || lack "libstd-rust-web-dev:$debian=$version"
    dpkg -x "$work"/libstd-rust-web-dev_*.deb "$work/root"
    mkdir -p "$work/new/lib/rustlib"
    mv "$work/root/usr/lib/rustlib/$triple" "$work/new/lib/rustlib/"
    mv "$work/new" "$kept"
fi
# Two compilers must not share what they built.
sysroot="--sysroot $(realpath "$kept")"
RUSTC=/usr/bin/rustc build "$target/cross"
