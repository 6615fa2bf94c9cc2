"""Walks docs/deploy.md: runs the commands of its shell blocks, one after the other, as they stand there.

usage: walk.py RELINC [--guide docs/deploy.md]

In a clean folder, with a small network as model.onnx and drawn images as the data set. Each organisation has a folder that holds what the
guide hands it; 10.0.x.y is 127.0.x.y here. What serves runs until its section ends. Prints a line a command and exits 1 when one fails.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
STAYS = (("relinc", "serve"), ("relinc", "dealer"), ("python", "helper/help_party.py"))


def network(path):
    """A network for images of 32 × 32 pixels and ten classes."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.default_rng(1)
    w = numpy_helper.from_array((draw.standard_normal((4, 3, 3, 3)) * 0.5).astype(np.float32), "w")
    v = numpy_helper.from_array(draw.standard_normal((10, 4)).astype(np.float32), "v")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[4, 4]), helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]), helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "v"], ["y"], transB=1),
    ]
    of = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", ["N", 3, 32, 32]), ("y", ["N", 10]))]
    onnx.save(helper.make_model(helper.make_graph(nodes, "small", of[:1], of[1:], [w, v]), opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def pictures(folder):
    """What the client asks about."""
    import numpy as np
    from PIL import Image

    draw = np.random.default_rng(2)
    (folder / "more").mkdir(parents=True)
    for name in ("scan.png", "more/a.png", "more/b.jpg"):
        Image.fromarray(draw.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / name)


def whose(words):
    """The organisation that runs a command."""
    if words[:2] == ["relinc", "dealer"]:
        return "dealer"
    return {"client/query.py": "client", "helper/help_party.py": "helper"}.get(words[1], "server")


def hand_over(work):
    """Gives everybody what the guide says they get, as far as it is made."""
    spu, tls = work / "server/out/spu", work / "server/tls"
    for role in ("client", "helper", "dealer"):
        for source, name in ((spu / "public", "public"), (spu / role, role), (tls / role, f"tls/{role}")):
            if source.is_dir() and not (work / role / name).exists() and (role != "dealer" or "tls" in name):
                shutil.copytree(source, work / role / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("relinc")
    parser.add_argument("--guide", type=Path, default=Path(__file__).resolve().parents[2] / "docs" / "deploy.md")
    options = parser.parse_args()
    common.environment()
    failed = False
    with tempfile.TemporaryDirectory(prefix="relinc-walk-") as work:
        work = Path(work)
        for role in ("server", "client", "helper", "dealer", "bin"):
            (work / role).mkdir()
        (work / "bin/relinc").symlink_to(Path(options.relinc).resolve())
        (work / "bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (work / "bin/python").chmod(0o755)
        os.environ["PATH"] = f"{work / 'bin'}:{os.environ['PATH']}"
        network(work / "server/model.onnx")
        pictures(work / "client")
        running, codes = [], []

        def end():
            for child in running:
                child.send_signal(signal.SIGTERM)
            codes.extend(child.wait(30) for child in running)
            running.clear()

        try:
            for section in re.split(r"^## ", options.guide.read_text(encoding="utf-8"), flags=re.M):
                if running and "client" not in section.split("\n", 1)[0]:
                    end()
                for line in "".join(BLOCK.findall(section)).splitlines():
                    line = line.replace("10.0.", "127.0.").replace("'cifar10:DIR?normalize=imagenet'", "shapes")
                    words = shlex.split(line)
                    role, stays = whose(words), tuple(words[:2]) in STAYS
                    log = open(work / f"{role}.log", "a+")
                    began = time.monotonic()
                    child = subprocess.Popen(words, cwd=work / role, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                    code = None
                    if stays:
                        running.append(child)
                        time.sleep(1)
                        code = child.poll()
                    else:
                        code = child.wait(600)
                        hand_over(work)
                    log.seek(0)
                    said = log.read().strip().splitlines()[-1:] or [""]
                    wrong = code is not None if stays else code != 0
                    failed |= wrong
                    print(f"{'FAIL' if wrong else 'ok  '} {time.monotonic() - began:5.1f} s  {line[:110]}\n       {said[0][:140]}", flush=True)
            end()
            failed |= any(codes)
            print(f"all that served ended with {codes}")
        finally:
            end()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
