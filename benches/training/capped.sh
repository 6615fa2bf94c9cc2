#!/usr/bin/env bash
# What caps cost: ResNet-20 with plain ReLUs and with ReLUs capped at 6, each trained on for an epoch, brought to half of its secure
# comparisons by `gradual`, and tuned for an epoch. An element with its cap counts as two comparisons.
#
#     SHARED=../shared OUT=out/capped PYTHON=python3 benches/training/capped.sh [IMAGES EPOCHS]
#
# By default 10,000 images, two epochs of the search. PYTHON has the package onnx.
set -euo pipefail
SHARED=$(realpath "${SHARED:-../shared}")
OUT=${OUT:-out/capped}
RELINC=$(realpath "${RELINC:-target/release/relinc}")
PYTHON=${PYTHON:-python3}
IMAGES=${1:-10000} EPOCHS=${2:-2}
here=$(dirname "$(realpath "$0")")
mkdir -p "$OUT"
OUT=$(realpath "$OUT")
plain=$SHARED/models/resnet20_torch-legacy_bnfold_op13.onnx
"$PYTHON" "$here/capped.py" "$plain" 6 "$OUT/capped.onnx"

for kind in plain capped; do
    model=$plain
    [ $kind = capped ] && model=$OUT/capped.onnx
    cat >"$OUT/$kind.yaml" <<END
model: $model
data: "cifar10:$SHARED/data/cifar10?normalize=imagenet&train=$IMAGES"
stages:
  - {stage: teacher, epochs: 1, rate: 0.01}
  - {stage: search, method: gradual, budget: 50%, epochs: $EPOCHS, rate: 0.01}
  - {stage: tune, epochs: 1, rate: 0.01}
targets: [onnx]
accuracy: {limit: 10000}
END
    "$RELINC" --json run "$OUT/$kind.yaml" -o "$OUT/$kind" --resume >"$OUT/$kind.json" 2>"$OUT/$kind.log"
done
"$PYTHON" - "$OUT" <<'END'
import json, sys
for kind in ["plain", "capped"]:
    r = json.load(open(f"{sys.argv[1]}/{kind}.json"))
    a, t = r["accuracy"], r["totals"]
    print(kind, "%:", a["before"]["clean"], "->", a["after"]["clean"], a["after"]["interval"], "of", a["n"], "images;", t)
END
