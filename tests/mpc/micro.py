"""Runs a StableHLO text on the installed SPU in a process of its own and returns outputs, traffic and processor time."""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import numpy as np

SPU = pathlib.Path(__file__).resolve().parents[2] / "passes" / "src" / "back" / "spu"
sys.path.insert(0, str(SPU))
import run as runner  # noqa: E402  the runner every artefact carries


def tensor(shape, element="f32"):
    """tensor<1x16xf32>"""
    return "tensor<" + "".join(f"{d}x" for d in shape) + element + ">"


class Body:
    """Operations with numbered values."""

    def __init__(self):
        self.lines = []

    def put(self, text):
        self.lines.append(f"    %v{len(self.lines)} = {text}")
        return f"%v{len(self.lines) - 1}"

    def module(self, arguments, result, shape):
        args = ", ".join(f"{name}: {tensor(s)}" for name, s in arguments)
        body = "\n".join(self.lines)
        return (
            f"module @micro {{\n  func.func @main({args}) -> {tensor(shape)} {{\n{body}\n"
            f"    return {result} : {tensor(shape)}\n  }}\n}}\n"
        )


def measure(text, arrays, visible, protocol="semi2k", field=64, calls=1, timeout=120, parties=None):
    """(output, [statistics of each call], processor seconds a party and call); visible: secret, server or public each."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        job = {"text": text, "visible": visible, "protocol": protocol, "field": field, "calls": calls}
        job["parties"] = parties or runner.PARTIES[protocol][0]
        (folder / "job.json").write_text(json.dumps(job))
        np.savez(folder / "in.npz", *arrays)
        with (folder / "log").open("wb") as log:
            command = [sys.executable, __file__, str(folder)]
            own = runner.environment(job["parties"])
            code = subprocess.run(command, stdout=log, stderr=log, timeout=timeout, env=own).returncode
        log = (folder / "log").read_text(errors="replace")
        if not (folder / "cpu").is_file():
            raise RuntimeError(f"SPU ended with {code}: {log[-1500:]}")
        return np.load(folder / "out.npy"), runner.parse_log(log), float((folder / "cpu").read_text())


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def child(folder):
    job = json.loads((folder / "job.json").read_text())
    api, lib = runner.import_spu()
    parties = job["parties"]
    owned = "server" in job["visible"]
    job.update(fraction=0, weights="server" if owned else "secret")
    secret, public = lib.Visibility.VIS_SECRET, lib.Visibility.VIS_PUBLIC
    vis = [public if v == "public" else secret for v in job["visible"]]
    code = runner.compile_program(api, lib, job["text"], vis)
    io = api.Io(parties, runner.runtime_config(lib, job))
    stored = np.load(folder / "in.npz")
    dealt = [
        list(io.make_shares(np.array(stored[f"arr_{i}"]), v, 0 if who == "server" else -1))
        for i, (v, who) in enumerate(zip(vis, job["visible"]))
    ]
    desc = lib.link.Desc()
    for rank in range(parties):
        desc.add_party(f"party{rank}", f"mem{rank}")
    names = [f"a{i}" for i in range(len(vis))]

    def party(rank):
        runtime = api.Runtime(lib.link.create_mem(desc, rank), runner.runtime_config(lib, job, rank))
        for name, shares in zip(names, dealt):
            runtime.set_var(name, shares[rank])
        for i in range(job["calls"]):
            runtime.run(lib.Executable(f"image{i}", names, ["out"], code))
        return runtime.get_var("out")

    before = cpu_seconds()
    shares = runner.in_parallel(party, parties)
    used = cpu_seconds() - before
    np.save(folder / "out.npy", np.asarray(io.reconstruct(shares)))
    (folder / "cpu").write_text(str(used / job["calls"] / parties))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    child(pathlib.Path(sys.argv[1]))
