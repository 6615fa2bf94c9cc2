#!/usr/bin/env bash
# Accuracy over budget: 50 %, 25 %, 10 % and 5 % of ResNet-20's ReLUs, each trained from the start on 45,000 images.
#
#     SHARED=../shared OUT=out/curve benches/training/curve.sh [PERCENT …]
#
# About half an hour of CPU a budget. Resumes where an earlier call was stopped; user and system seconds are added to
# OUT/seconds-PERCENT.txt.
set -euo pipefail
SHARED=$(realpath "${SHARED:-../shared}")
OUT=${OUT:-out/curve}
RELINC=${RELINC:-target/release/relinc}
mkdir -p "$OUT"
OUT=$(realpath "$OUT")
model=$SHARED/models/resnet20_torch-legacy_bnfold_op13.onnx
TIMEFORMAT='%U %S'

budget() { # percent, epochs of search, epochs of tuning, rate, what else the search is told
    if [ -e "$OUT/$1.json" ]; then return; fi
    cat >"$OUT/$1.yaml" <<E2
model: $model
teacher: $model
data: "cifar10:$SHARED/data/cifar10?normalize=imagenet&train=45000"
stages:
  - {stage: search, method: gradual, budget: $1%, epochs: $2, rate: $4$5}
  - {stage: tune, epochs: $3, rate: $4}
targets: [onnx]
accuracy: {limit: 10000}
E2
    { time "$RELINC" --json run "$OUT/$1.yaml" -o "$OUT/$1" --resume >"$OUT/$1.json.part" 2>"$OUT/$1.log"; } 2>>"$OUT/seconds-$1.txt"
    mv "$OUT/$1.json.part" "$OUT/$1.json"
}

[ $# -gt 0 ] || set -- 50 25 10 5
for percent; do
    case $percent in
    50) budget 50 2 9 0.01 "" ;;
    25) budget 25 3 8 0.01 ", layers: 10" ;;
    10) budget 10 4 6 0.02 ", layers: 10" ;;
    5) budget 5 5 7 0.03 ", layers: 10" ;;
    *) echo "curve: no recipe for $percent %; there are 50, 25, 10 and 5" >&2; exit 2 ;;
    esac
done
