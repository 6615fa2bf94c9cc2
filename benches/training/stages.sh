#!/usr/bin/env bash
# Networks with fewer ReLUs than that of quadratics.sh, each from the one before.
#
#     SHARED=../shared OUT=out/quadratics benches/training/stages.sh pixels|fewer|two|calm|none|three|stem|calmstem|resnet56|calm56
#
# pixels    38,000 ReLUs in the four layers of quadratics.sh, which has to have run with the same OUT
# fewer     30,000 of them, four epochs, from pixels
# two       10,000 ReLUs at the ends of the second and third stage, from pixels
# calm      that of two, trained on by running statistics, so that no image is answered with numbers far out
# none      no ReLU: squares inside blocks alone, from two
# three     three whole ReLU layers, the stem's and the ends of the last stages, nine squares, from the network of quadratics.sh
# stem      two ReLU layers, the ends of the last stages, and ten squares, the stem one of them, from three
# calmstem  that of stem, trained on by running statistics
# resnet56  ResNet-56 from its original: ten ReLU layers, the stem and every third block's, 27 squares, 18 identities
# calm56    that one, two epochs more, the second by running statistics
#
# On all 45,000 training images, into OUT/WHICH. Resumes where an earlier call was stopped; user and system seconds are added to
# OUT/seconds.txt.
set -euo pipefail
SHARED=$(realpath "${SHARED:-../shared}")
OUT=$(realpath "${OUT:-out/quadratics}")
RELINC=${RELINC:-target/release/relinc}
which=$1
command=search
TIMEFORMAT="$which %U %S"

# names A STEP B: the layers from A to B, by name
names() { seq -f 'relu%02g' -s, "$@"; }
inside=$(names 1 2 17)
after=relu02,relu04,relu08,relu10,relu14,relu16

deeper=$SHARED/models/resnet56_torch-legacy_bnfold_op13.onnx

from() { # folder of the network to begin with
    begin=("$OUT/$1/trained.onnx" --masks "$OUT/$1/masks.safetensors"
        --teacher "$SHARED/models/resnet20_torch-legacy_bnfold_op13.onnx")
}

case $which in
pixels)
    from run
    ask=(--method gradual --budget 38000 --vanish "$inside,$after" --choices relu,identity,zero,quadratic
        --epochs 2 --blend 0 --freeze 0 --ramp 0.4 --rate 0.01)
    ;;
fewer)
    from pixels
    ask=(--method gradual --budget 30000 --vanish "$inside,$after" --choices relu,identity,zero,quadratic
        --epochs 4 --blend 0 --ramp 0.4 --rate 0.012)
    ;;
two)
    from pixels
    ask=(--method gradual --budget 10000 --vanish "$inside,$after,relu00,relu06" --choices relu,identity,zero,quadratic
        --epochs 3 --blend 0.33 --freeze 0 --ramp 0.5 --rate 0.02 --allow-tails)
    ;;
calm)
    from two
    command=tune
    ask=(--epochs 4 --freeze 1 --rate 0.006)
    ;;
none)
    from two
    ask=(--method gradual --budget 0 --vanish "$inside,$after,relu00,relu06,relu12,relu18" --choices relu,identity,quadratic
        --epochs 3 --blend 0.5 --freeze 0.25 --rate 0.02)
    ;;
three)
    from run
    ask=(--method gradual --budget 28672 --vanish "$inside,$after,relu06" --choices relu,identity,quadratic
        --epochs 8 --blend 0.4 --freeze 0.25 --rate 0.03)
    ;;
stem)
    from three
    ask=(--method gradual --budget 12288 --quadratic relu00 --vanish "$inside,$after,relu06" --choices relu,identity,quadratic
        --epochs 8 --blend 0.3 --freeze 0.25 --rate 0.03 --allow-tails)
    ;;
calmstem)
    from stem
    command=tune
    ask=(--epochs 3 --freeze 1 --rate 0.002)
    ;;
resnet56)
    begin=("$deeper")
    others=$(names 2 2 52 | tr , '\n' | grep -vE 'relu(06|12|18|24|30|36|42|48)' | paste -sd,)
    ask=(--method gradual --budget 100% --vanish "$(names 1 2 53),$others" --choices relu,identity,quadratic
        --epochs 2 --blend 0.3 --rate 0.02)
    ;;
calm56)
    begin=("$OUT/resnet56/trained.onnx" --masks "$OUT/resnet56/masks.safetensors" --teacher "$deeper")
    command=tune
    ask=(--epochs 2 --freeze 0.5 --rate 0.008)
    ;;
*)
    sed -n '2,/^set/p' "$0" >&2
    exit 2
    ;;
esac
{ time "$RELINC" --json "$command" "${begin[@]}" "${ask[@]}" --schedule cosine \
    --data "cifar10:$SHARED/data/cifar10?normalize=imagenet&train=45000" --limit 10000 \
    --target onnx --target spu --truncation bounded --protocol spu-semi2k --protocol spu-aby3 --network wan \
    -o "$OUT/$which" --resume >"$OUT/$which.json.part" 2>>"$OUT/$which.txt"; } 2>>"$OUT/seconds.txt"
mv "$OUT/$which.json.part" "$OUT/$which.json"
