#!/usr/bin/env bash
# RLNet's headline row (ResNet-18, CIFAR-10, 50,000 of 557,056 ReLUs) with as many epochs as there is time for.
#
#   examples/gpu/headline.sh CIFAR10_DIR TEACHER SEARCH TUNE [OUT]
#
# TEACHER, SEARCH and TUNE are epochs; the paper's are 240, 150 and 240. What was cut short is in the report beside the accuracies:
# clean (CA), under the corruptions of CIFAR-10-C (NPA) and under PGD-20 (AdvA), on test images, checkpoints picked on
# validation images. RELINC, DEVICE, PRECISION, RATE (of the teacher and the search), TUNE_RATE, BATCH, CORRUPTED and ATTACKED
# change what they say. Killed, it goes on where it was.
set -euo pipefail
cifar=$(cd "$1" && pwd)
out=${5:-out/headline}
here=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$out"
awk -v data="$cifar" -v teacher="$2" -v search="$3" -v tune="$4" -v precision="${PRECISION:-f32}" -v batch="${BATCH:-128}" \
    -v rate="${RATE:-0.05}" -v tune_rate="${TUNE_RATE:-0.01}" -v device="${DEVICE:-auto}" \
    -v corrupted="${CORRUPTED:-1000}" -v attacked="${ATTACKED:-1000}" '
    /^data:/ { print "data: \"cifar10:" data "?normalize=cifar10\""; print "device: " device; next }
    /- stage: / { sub(/#.*/, ""); print; stage = $3; print "    precision: " precision; print "    batch: " batch; next }
    /^ *epochs:/ { print "    epochs: " (stage == "teacher" ? teacher : stage == "search" ? search : tune); next }
    /^ *rate:/ { print "    rate: " (stage == "tune" ? tune_rate : rate); next }
    /^ *schedule:/ { print "    schedule: " (stage == "search" ? "constant" : "one-cycle"); next }
    /^accuracy:/ { print "accuracy: {limit: 10000, corrupted: " corrupted ", attacked: " attacked "}"; next }
    /^targets:/ { print "targets: [onnx]"; next }
    { print }' "$here/../papers/rlnet-resnet18-cifar10-50k.yaml" >"$out/pipeline.yaml"
"${RELINC:-target/release/relinc}" run "$out/pipeline.yaml" -o "$out" --resume
