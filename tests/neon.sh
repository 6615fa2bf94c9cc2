#!/usr/bin/env bash
# The kernels' unit tests on 64-bit ARM, whose NEON loops no x86 machine runs: built for it and run by qemu.
#
#   tests/neon.sh [TEST …]
#
# Needs rustup and qemu-user (Debian's package of that name); says what is missing and checks nothing without them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/sanitize"

target=aarch64-unknown-linux-musl
missing() { echo "neon: $*; nothing was checked" >&2; exit 0; }
command -v qemu-aarch64 >/dev/null || missing "no qemu-aarch64"
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    command -v rustup >/dev/null || missing "no Rust library for $target, and no rustup to fetch it"
    rustup target add "$target" >/dev/null 2>&1 || missing "rustup could not fetch the Rust library for $target"
fi
export CARGO_TARGET_DIR=${RELINC_NEON_TARGET:-${TMPDIR:-/tmp}/relinc-neon-target}
# Rust brings this linker and the C library of this target.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER=qemu-aarch64
cargo test --target "$target" --lib -- "$@"
