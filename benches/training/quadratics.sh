#!/usr/bin/env bash
# ResNet-20 with four ReLU layers, the stem and the end of each stage; its nine layers inside blocks become quadratic, the six after
# the other additions the identity.
#
#     SHARED=../shared OUT=out/quadratics benches/training/quadratics.sh [IMAGES EPOCHS BLEND]
#
# By default 45,000 images, five epochs, the first of them blending. Resumes where an earlier call was stopped; user and system seconds
# are added to OUT/seconds.txt.
set -euo pipefail
SHARED=$(realpath "${SHARED:-../shared}")
OUT=${OUT:-out/quadratics}
RELINC=${RELINC:-target/release/relinc}
IMAGES=${1:-45000} EPOCHS=${2:-5} BLEND=${3:-0.2}
mkdir -p "$OUT"
OUT=$(realpath "$OUT")
model=$SHARED/models/resnet20_torch-legacy_bnfold_op13.onnx
TIMEFORMAT='%U %S'

cat >"$OUT/quadratics.yaml" <<EOF
model: $model
data: "cifar10:$SHARED/data/cifar10?normalize=imagenet&train=$IMAGES"
stages:
  - stage: search
    method: gradual
    choices: [relu, identity, quadratic]
    budget: 100%
    layers: 4
    epochs: $EPOCHS
    blend: $BLEND
    freeze: 0
    rate: 0.02
    schedule: cosine
targets: [onnx, spu]
accuracy: {limit: 10000}
report: {protocols: [spu-semi2k, spu-aby3], networks: [wan]}
EOF
{ time "$RELINC" --json run "$OUT/quadratics.yaml" -o "$OUT/run" --resume >"$OUT/report.json.part" 2>"$OUT/log.txt"; } 2>>"$OUT/seconds.txt"
mv "$OUT/report.json.part" "$OUT/report.json"
