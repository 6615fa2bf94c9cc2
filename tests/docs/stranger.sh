#!/usr/bin/env bash
# The way of somebody who has the wheel and the book alone: an empty environment, a clean folder, the shell blocks of docs/tutorial.md one after the
# other as they stand there, on the real network and images. Only the training is short: on 5,000 images instead of 48,000.
#
#     tests/docs/stranger.sh WHEEL RESNET20.onnx CIFAR10 [FOLDER]
#
# Takes about ten minutes of two cores, and installs SPU for the last step, which wants Python 3.10 or 3.11. `python3` of the path is taken.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,8s/^# *//p' "$0" >&2; exit 2; }
wheel=$(realpath "$1") model=$(realpath "$2") data=$(realpath "$3")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${4:-$(mktemp -d)}
mkdir -p "$folder/data"
cd "$folder"
python3 -m venv venv
PATH=$PWD/venv/bin:$PATH
unset RELINC RELINC_PYTHON PYTHONPATH
pip install --quiet --disable-pip-version-check --no-index "$wheel"
cp "$model" resnet20.onnx
ln -s "$data" data/cifar10
python - "$here" <<'PY'
import sys

sys.path.insert(0, sys.argv[1])
import commands

page = (commands.ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
for number, (_, line, body) in enumerate(commands.blocks(page)):
    if "relinc init" in body:
        body = body.replace("cifar10:data/cifar10'", "cifar10:data/cifar10?train=5000'")
    with open(f"{number:02}-line{line}.sh", "w", encoding="utf-8") as f:
        f.write(body + "\n")
PY
for block in [0-9][0-9]-*.sh; do
    printf '\n== %s (%s s)\n' "$block" "$SECONDS"
    cat "$block"
    bash -euo pipefail "$block"
done
printf '\n%s: every block ended well, %s s\n' "$folder" "$SECONDS"
