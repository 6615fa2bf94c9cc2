#!/usr/bin/env bash
# Accuracy over budget in one descent: 50 %, 25 %, 10 % and 5 % of ResNet-20's ReLUs, each search going on from the one before.
#
#     SHARED=../shared OUT=out/curve benches/training/curve.sh
#
# Each budget's own road is 7 to 15 epochs of 45,000 images. Resumes where an earlier call was stopped; user and system
# seconds of every stage are added to OUT/seconds-STAGE.txt.
set -euo pipefail
SHARED=$(realpath "${SHARED:-../shared}")
OUT=${OUT:-out/curve}
RELINC=${RELINC:-target/release/relinc}
mkdir -p "$OUT"
OUT=$(realpath "$OUT")
model=$SHARED/models/resnet20_torch-legacy_bnfold_op13.onnx
TIMEFORMAT='%U %S'

stage() { # name, folder it goes on from or -, the stage
    if [ -e "$OUT/$1.json" ]; then return; fi
    local from=$model masks=
    if [ "$2" != - ]; then
        from=$OUT/$2/trained.onnx
        masks="masks: $OUT/$2/masks.safetensors"
    fi
    cat >"$OUT/$1.yaml" <<E2
model: $from
teacher: $model
$masks
data: "cifar10:$SHARED/data/cifar10?normalize=imagenet&train=45000"
stages:
  - $3
targets: [onnx]
accuracy: {limit: 10000}
E2
    { time "$RELINC" --json run "$OUT/$1.yaml" -o "$OUT/$1" --resume >"$OUT/$1.json.part" 2>"$OUT/$1.log"; } 2>>"$OUT/seconds-$1.txt"
    mv "$OUT/$1.json.part" "$OUT/$1.json"
}

rate() { case $1 in 5) echo 0.03 ;; 10) echo 0.02 ;; *) echo 0.01 ;; esac; }
search() { stage "search$1" "$2" "{stage: search, method: gradual, budget: $1%, epochs: $3, rate: $(rate "$1")}"; }
tune() { stage "tune$1" "search$1" "{stage: tune, epochs: $2, rate: $(rate "$1")}"; }

search 50 - 2
tune 50 5
search 25 search50 2
tune 25 5
search 10 search25 3
tune 10 6
search 5 search10 2
tune 5 6
