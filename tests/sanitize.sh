#!/usr/bin/env bash
# The unit tests of the code with `unsafe` in it under LLVM's address sanitizer, which rustup's toolchains bring for Linux.
#
#   tests/sanitize.sh [TEST …]
#
# Every kernel runs at each level the machine has (AVX-512, AVX2, none) on slices that end where their allocation ends, so a
# read or write past an end stops the run. The sanitizer is an unstable option: it is switched on for this build alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/sanitize"

target=$(rustc -vV | sed -n 's/^host: //p')
if ! compgen -G "$(rustc --print sysroot)/lib/rustlib/$target/lib/librustc-*_rt.asan.a" >/dev/null; then
    echo "sanitize: this toolchain has no address sanitizer for $target; nothing was checked" >&2
    exit 0
fi
export CARGO_TARGET_DIR=${RELINC_SANITIZE_TARGET:-${TMPDIR:-/tmp}/relinc-sanitize-target}
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS=-Zsanitizer=address
cargo test --target "$target" --lib -- --skip graphics "$@"
# Graphics drivers leak when they are unloaded.
ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS} cargo test --target "$target" --lib -- graphics
