#!/usr/bin/env bash
# Half precision against single on the CPU: ResNet-20 by gradual at 10 %, pairs of runs with one seed, and their difference.
#
#     SHARED=../shared OUT=out/half benches/training/half.sh [SEEDS] [training images] [search epochs] [tune epochs]
#
# Resumes where an earlier call was stopped. Prints the clean test accuracy of each pair, the mean difference in points (bf16 less
# f32) and its 95 % interval by Student's t.
set -euo pipefail
SHARED=$(realpath "${SHARED:-../shared}")
OUT=${OUT:-out/half}
RELINC=${RELINC:-target/release/relinc}
seeds=${1:-5}
mkdir -p "$OUT"
OUT=$(realpath "$OUT")
for seed in $(seq 0 $((seeds - 1))); do
    for kind in f32 bf16; do
        name=$kind-$seed
        cat >"$OUT/$name.yaml" <<E3
model: $SHARED/models/resnet20_torch-legacy_bnfold_op13.onnx
data: "cifar10:$SHARED/data/cifar10?normalize=imagenet&train=${2:-5000}"
seed: $seed
stages:
  - {stage: search, method: gradual, budget: 10%, epochs: ${3:-4}, precision: $kind}
  - {stage: tune, epochs: ${4:-5}, precision: $kind}
accuracy: {limit: 10000}
E3
        "$RELINC" --json run "$OUT/$name.yaml" -o "$OUT/$name" --resume >"$OUT/$name.json"
    done
done
python3 - "$OUT" "$seeds" <<'E3'
import json, statistics, sys
out, seeds = sys.argv[1], int(sys.argv[2])
read = lambda kind, s: json.load(open(f"{out}/{kind}-{s}/report.json"))["accuracy"]["after"]["clean"]
rows = [(read("f32", s), read("bf16", s)) for s in range(seeds)]
for s, (single, half) in enumerate(rows):
    print(f"seed {s}: f32 {single:.2f} %, bf16 {half:.2f} %")
apart = [half - single for single, half in rows]
t = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365}.get(seeds)
spread = t * statistics.stdev(apart) / seeds**0.5 if t else float("nan")
print(f"bf16 less f32: {statistics.mean(apart):+.2f} points ± {spread:.2f}")
E3
