#!/usr/bin/env bash
# Makes what a release holds, for this machine's architecture: wheels, programs, completions, manual pages, checksums.
#
#     python/build.sh OUT [cpu] [cards]        both builds unless one is named
#
#   RELINC_WHEEL_VENV   a Python environment with python/requirements.txt [default: the one on the path]
#   CARGO_TARGET_DIR    the build folder. The build `cards` has relinc's default features: after `cargo build --release` it compiles relinc's own crate and links it anew
#
# A wheel gets the tag of the oldest glibc that has the symbols its program needs; maturin reads them and refuses other libraries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
[ $# -ge 1 ] || { sed -n '2,5s/^# *//p' "$0" >&2; exit 2; }
out=$(mkdir -p "$1" && cd "$1" && pwd)
shift
root=$(cd .. && pwd)
[ $# -ge 1 ] || set -- cpu cards
bin=${RELINC_WHEEL_VENV:+$RELINC_WHEEL_VENV/bin/}
CARGO_TARGET_DIR=$(cd .. && realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
# Programs start under older C libraries than this machine's.
export RELINC_PORTABLE=1
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' ../Cargo.toml | head -1)
platform=$(uname -m)-linux-gnu
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

for build in "$@"; do
    case $build in
        cpu) name=relinc features=(--no-default-features --features cpu) ;;
        cards) name=relinc-cards features=(--no-default-features --features default) ;;
        *) echo "there is no build '$build': cpu or cards" >&2; exit 2 ;;
    esac
    # maturin takes the distribution's name from the file alone, so each build has a copy with its own.
    rm -rf "$stage/python"
    mkdir "$stage/python"
    cp -rL pyproject.toml README.md LICENSE-* THIRD-PARTY.md relinc "$stage/python"
    sed -i "1,/^name = /s/^name = .*/name = \"$name\"/; s|^manifest-path = .*|manifest-path = \"$root/Cargo.toml\"|" "$stage/python/pyproject.toml"
    find "$stage/python" -name __pycache__ -prune -exec rm -rf {} +
    (cd "$stage/python" && "${bin}maturin" build --release --locked --compatibility pypi --out "$out" "${features[@]}")
    install -m 755 "$CARGO_TARGET_DIR/release/relinc" "$out/$name-$version-$platform"
done

relinc=$out/$name-$version-$platform
"$relinc" man -o "$out/man/man1"
mkdir -p "$out/completions"
for shell in bash zsh fish elvish powershell; do
    "$relinc" completions "$shell" >"$out/completions/relinc.$shell"
done
cp ../LICENSE-MIT ../LICENSE-APACHE ../THIRD-PARTY.md "$out"
"${bin}twine" check --strict "$out"/*.whl
(cd "$out" && rm -f SHA256SUMS && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum >SHA256SUMS)
ls -l "$out"
