#!/usr/bin/env bash
# The training measurements of docs/results.md: writes a pipeline, runs it, keeps what it printed as JSON.
#
#     SHARED=../shared OUT=out/measured benches/training/run.sh gradual 10
#     SHARED=../shared OUT=out/measured benches/training/run.sh senet 0            # seed; wants benches/pytorch/senet.py --dump OUT/dump0
#     SHARED=../shared OUT=out/measured benches/training/run.sh robust resnet_2b 50 gradual dual
#     SHARED=../shared OUT=out/measured benches/training/run.sh layers resnet20 10 10 auto       # 10 % of the ReLUs in 10 layers
#     SHARED=../shared OUT=out/measured benches/training/run.sh slopes 10 10                     # with learned slopes, in 10 layers
#     SHARED=../shared OUT=out/measured benches/training/run.sh recipe NAME 4 6 "hardest: 0.6"       # 10 % in 10 layers, all images, and what is tried
#
# Resumes where an earlier call was stopped.
set -euo pipefail
SHARED=$(realpath "${SHARED:-../shared}")
OUT=${OUT:-out/measured}
RELINC=${RELINC:-target/release/relinc}
mkdir -p "$OUT"
OUT=$(realpath "$OUT")
data="cifar10:$SHARED/data/cifar10"
what=$1

case $what in
gradual) # percent [training images] [search epochs] [tune epochs]
    name=gradual$2-${3:-5000}
    cat >"$OUT/$name.yaml" <<E2
model: $SHARED/models/resnet20_torch-legacy_bnfold_op13.onnx
data: "$data?normalize=imagenet&train=${3:-5000}"
stages:
  - {stage: search, method: gradual, budget: $2%, epochs: ${4:-4}}
  - {stage: tune, epochs: ${5:-5}}
accuracy: {limit: 10000}
E2
    ;;
senet) # seed
    name=senet$2
    cat >"$OUT/$name.yaml" <<E2
model: $SHARED/models/resnet20_torch-legacy_keepbn_op17.onnx
data: "$data?normalize=imagenet&train=5000"
batch_norm: single
seed: $2
stages:
  - {stage: search, method: senet, budget: 10%, epochs: 4, augment: false, replay: $OUT/dump$2, val_images: 500, precision: f32}
  - {stage: tune, epochs: 5, augment: false, replay: $OUT/dump$2, val_images: 500, precision: f32}
accuracy: {limit: 10000}
E2
    ;;
layers) # model percent layers fold
    name=layers-$2-$3-$4-$5
    cat >"$OUT/$name.yaml" <<E2
model: $SHARED/models/$2_torch-legacy_bnfold_op13.onnx
data: "$data?normalize=imagenet&train=5000"
fold: $5
stages:
  - {stage: search, method: gradual, budget: $3%, epochs: 4, layers: $4}
  - {stage: tune, epochs: 5}
targets: [onnx, spu]
report: {protocols: [spu-semi2k, spu-cheetah], networks: ["rtt=40ms;bandwidth=100mbit"]}
accuracy: {limit: 10000}
E2
    ;;
slopes) # percent [layers] [seed]
    name=slopes$2-${3:-all}-${4:-0}
    cat >"$OUT/$name.yaml" <<E2
model: $SHARED/models/resnet20_torch-legacy_bnfold_op13.onnx
data: "$data?normalize=imagenet&train=5000"
seed: ${4:-0}
stages:
  - {stage: search, method: gradual, budget: $2%, epochs: 4, slopes: true${3:+, layers: $3}}
  - {stage: tune, epochs: 5}
targets: [onnx, spu]
report: {protocols: [spu-semi2k], networks: ["rtt=40ms;bandwidth=100mbit"]}
accuracy: {limit: 10000}
E2
    ;;
robust) # model percent method batch_norm
    name=robust-$2-$3-$4-$5
    robust=true
    method=$4
    if [ "$4" = plain ]; then robust=false method=gradual; fi
    images=20000 tune=7
    if [ "$2" = sri_resnet_a ]; then images=8000 tune=6; fi
    cat >"$OUT/$name.yaml" <<E2
model: $SHARED/models/$2.onnx
data: "$data?normalize=cifar10&train=$images"
batch_norm: $5
stages:
  - {stage: search, method: $method, budget: $3%, epochs: 3, robust: $robust, val_images: 1000, val_attacked: 128}
  - {stage: tune, epochs: $tune, robust: $robust, val_images: 1000, val_attacked: 256}
accuracy: {limit: 10000, corrupted: 1000, attacked: 1000}
E2
    ;;
recipe) # name, epochs of search and of tuning [options of both stages] [of tuning alone] [rates of search and tuning]
    name=recipe-$2
    cat >"$OUT/$name.yaml" <<E2
model: $SHARED/models/resnet20_torch-legacy_bnfold_op13.onnx
data: "$data?normalize=imagenet&train=45000"
stages:
  - {stage: search, method: gradual, budget: 10%, layers: 10, epochs: $3, rate: ${7:-0.02}${5:+, $5}}
  - {stage: tune, epochs: $4, rate: ${8:-0.02}${5:+, $5}${6:+, $6}}
accuracy: {limit: 10000}
E2
    ;;
*)
    echo "gradual, senet, layers, slopes, robust or recipe" >&2
    exit 2
    ;;
esac
"$RELINC" --json run "$OUT/$name.yaml" -o "$OUT/$name" --resume >"$OUT/$name.json"
