#!/usr/bin/env python3
"""Run small StableHLO programs under MPC and count the traffic of each call.

usage: micro.py FOLDER

FOLDER/job.json holds {"protocol", "field", "weights", "timeout", "graphs": [{"name", "text", "args", "calls"}]}; an
argument is {"shape", "weight"}, and a weight is known to whom "weights" says.  All graphs run one after the other in one
process, with the same parties and links.  Writes FOLDER/out.json: {"graphs": [{"name", "calls": [{"sent_bytes",
"recv_bytes", "send_actions", "recv_actions", "seconds", "ops"}]}]}, figures of party 0, or {"usage"} or {"error"}.

The parties, the log and its parser are those of run.py, which lies beside this file.
"""

import json
import subprocess
import sys
from pathlib import Path

import run as runner

np = runner.np


def values(rng, shape):
    """Numbers that fixed point holds well."""
    return rng.uniform(-1, 1, shape).astype(np.float32)


def party(api, lib, job, rank, desc, programs, shares):
    """One party: every program, its arguments dealt anew, called as often as asked."""
    link = lib.link.create_mem(desc, rank)
    runtime = api.Runtime(link, runner.runtime_config(lib, job, rank))
    serial = 0
    for (code, calls), args in zip(programs, shares):
        names = [f"a{i}" for i in range(len(args))]
        for name, share in zip(names, args):
            runtime.set_var(name, share)
        for _ in range(calls):
            runtime.run(lib.Executable(f"image{serial}", names, ["out"], code))
            serial += 1


def compute(job):
    """Compiles, deals and runs everything."""
    api, lib = runner.import_spu()
    parties, setting = job["parties"], job["weights"]
    secret, public = lib.Visibility.VIS_SECRET, lib.Visibility.VIS_PUBLIC
    io = api.Io(parties, runner.runtime_config(lib, job))
    rng = np.random.default_rng(0)
    programs, dealt = [], []
    for graph in job["graphs"]:
        vis = [public if a["weight"] and setting == "public" else secret for a in graph["args"]]
        source = lib.CompilationSource(lib.SourceIRType.STABLEHLO, graph["text"].encode(), vis)
        try:
            programs.append((api.compile(source, lib.CompilerOptions()), graph["calls"]))
        except Exception as err:
            raise runner.RunError(f"SPU cannot compile {graph['name']}: {runner.first_lines(str(err))}") from err
        owners = [runner.SERVER_RANK if a["weight"] and setting == "server" else -1 for a in graph["args"]]
        shares = [io.make_shares(values(rng, a["shape"]), v, o) for a, v, o in zip(graph["args"], vis, owners)]
        dealt.append(shares)
    desc = lib.link.Desc()
    for rank in range(parties):
        desc.add_party(f"party{rank}", f"mem{rank}")
    of_rank = [[[shares[rank] for shares in graph] for graph in dealt] for rank in range(parties)]
    runner.in_parallel(lambda rank: party(api, lib, job, rank, desc, programs, of_rank[rank]), parties)
    return {}


def worker(folder):
    """The child process: its log goes to file descriptors 1 and 2."""
    job = json.loads((folder / "job.json").read_text())
    runner.signal.alarm(int(job["timeout"]) + runner.ALARM_GRACE_S)
    try:
        result = compute(job)
    except runner.UsageError as err:
        result = {"usage": str(err)}
    except BaseException as err:
        runner.traceback.print_exc()
        result = {"error": runner.first_lines(str(err)) or type(err).__name__}
    (folder / "result.json").write_text(json.dumps(result))
    sys.stdout.flush()
    sys.stderr.flush()
    runner.os._exit(0)


def parent(folder):
    """Runs the worker under the time limit and sorts its log by graph."""
    job = json.loads((folder / "job.json").read_text())
    log = folder / "log.txt"
    with log.open("wb") as sink:
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", str(folder)]
        own = runner.environment(job["parties"])
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=own)
        try:
            code = child.wait(timeout=job["timeout"])
        except subprocess.TimeoutExpired:
            return {"error": f"no result after {job['timeout']} s; raise --timeout"}
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    text = log.read_text(errors="replace")
    answer = folder / "result.json"
    if not answer.is_file():
        tail = "\n".join(text.splitlines()[-10:])
        return {"error": f"the runtime {runner.how_it_ended(code)} and left no result:\n{tail}"}
    result = json.loads(answer.read_text())
    if result:
        return result
    calls = runner.parse_log(text)
    wanted = sum(graph["calls"] for graph in job["graphs"])
    if len(calls) != wanted or any("sent_bytes" not in call for call in calls):
        return {"error": f"SPU's log holds statistics of {len(calls)} calls, not {wanted}: is it spu 0.9.5?"}
    graphs = []
    for graph in job["graphs"]:
        graphs.append({"name": graph["name"], "calls": calls[: graph["calls"]]})
        calls = calls[graph["calls"]:]
    return {"graphs": graphs}


def main(argv):
    """Entry point; what went wrong is in out.json."""
    if argv[:1] == ["--worker"]:
        return worker(Path(argv[1]))
    folder = Path(argv[0])
    (folder / "out.json").write_text(json.dumps(parent(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
