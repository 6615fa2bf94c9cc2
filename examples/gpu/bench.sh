#!/usr/bin/env bash
# Steps on a graphics card against PyTorch on the same card, in the same run.
#
#   examples/gpu/bench.sh [RELINC] [OUT]
#
# Writes OUT/devices.txt, OUT/paired.md, OUT/paired.json and OUT/utilisation.csv. Wants nvidia-smi for the last, and a Python
# ($PYTHON, default python3) with torch, numpy and onnx for the comparison.
set -euo pipefail
relinc=${1:-target/release/relinc}
out=${2:-out/gpu}
here=$(dirname "${BASH_SOURCE[0]}")
device=${DEVICE:-gpu:0}
mkdir -p "$out"
"$relinc" devices --device "$device" | tee "$out/devices.txt"
if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv | tee -a "$out/devices.txt"
    nvidia-smi --query-gpu=timestamp,utilization.gpu,memory.used --format=csv,noheader,nounits -lms 200 >"$out/utilisation.csv" &
    watcher=$!
    trap 'kill "$watcher" 2>/dev/null || true' EXIT
fi
"${PYTHON:-python3}" "$here/../../benches/pytorch/paired.py" --relinc "$relinc" --device "$device" --threads "$(nproc)" \
    --repeat "${REPEAT:-7}" --json "$out/paired.json" | tee "$out/paired.md"
