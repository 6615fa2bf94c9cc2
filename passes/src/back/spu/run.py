#!/usr/bin/env python3
"""Run the compiled classifier under MPC on this machine, and count its traffic.

This file is the same for every model.  What belongs to the model lies beside it:

    manifest.json      names, shapes and defaults (format 1), ring and fraction bits among them; weights listed under its optional
                       key "public" (index tensors, say) are public under every --weights
    model.mlir         StableHLO text; @main takes the input, then the weights in the manifest's order.
                       Programs of other protocols lie beside it as model.PROTOCOL.mlir: "programs" in the
                       manifest says which file is for which, and how its convolutions are written.
                       "arguments" there are what it reads after the input, "matrices" those that this runner makes of
                       weights [O, C, kH, kW]: [kH*kW*O, C], as ring elements; "dense" those of convolutions of
                       several groups, with zeros between the groups: [O, C/groups, kH, kW] as [O, C, kH, kW].
                       "unit" names the argument that is one unit in the last place; this runner sets it to
                       2^-fraction for the ring and the --fraction it runs with.
                       "bounded_truncation", where it is not null, says with how many fraction bits the two parties of
                       SEMI2K may truncate each by itself, and how often that spoils a query at most.
                       "files" (sha256), "relinc" (version), "normalize" and "classes" are for real parties, whose
                       folders public/, server/, client/ and helper/ lie beside this file
    weights.npz        the weights, by the manifest's names
    sample_input.npy   images to run on without --input, f32 [N, ...]

It needs numpy and SPU:  pip install spu==0.9.5  (Python 3.10 or 3.11).

What the numbers mean
    A query holds one image, or as many as the model was compiled for (query_batch; the last
    query is filled up with zeros).  The runner keeps the parties, their links and the shared
    weights from query to query.  sent_bytes, recv_bytes, send_actions, recv_actions, seconds,
    ops and kernels are those of ONE query, the first, as party 0 saw them; per_image lists all
    queries, "later" is the mean of those after the first, and images_agree says whether those
    sent the same bytes in the same number of actions.  The first query pays what a session pays once: under
    SEMI2K the opening of the weights of products over all taps, under CHEETAH the
    oblivious-transfer set-up.  ABY3 draws the roles of each truncation at random, so its
    figures differ by a few percent from image to image.
    Dealing the inputs and opening the outputs are not counted.  Under SEMI2K party 0 deals
    the multiplication triples itself, or asks a dealer for them (--dealer); that offline traffic
    is not counted either.
    rounds is send_actions: sequential one-way exchanges of party 0 (CHEETAH sends in
    chunks, so there it only bounds them from above).
    This is a simulation: all parties run on this machine over memory links; seconds are computing
    time, with no network in it, and nothing is private from whoever runs it.  Each party multiplies
    on its share of the processors, one at least, unless OMP_THREAD_LIMIT says otherwise.  "trust" says who must be
    trusted when the parties are on different machines.
    --weights server: party 0 holds the weights in the clear.  SEMI2K and ABY3 then share
    them anew at every use (SEMI2K for nothing, ABY3 at 16 bytes a weight), so this setting
    only saves traffic under CHEETAH.

    Under CHEETAH a product of two secrets, of squares say, may be off by one unit in the last place, as every
    truncation is (SPU's enable_mul_lsb_error): it takes a quarter fewer bytes so.

    --all-parties counts what all parties send: all_sent_bytes.  Under ABY3 that is the same for every
    image, while rank 0's part of it is drawn at random.

    --layers runs the program once more after the images, node by node, with the same parties and
    links: "layers" lists what each node cost by itself, without any one-off set-up.

Exit codes: 0 done, 1 the run failed or ran out of time, 2 bad usage or missing files.
"""

import argparse
import concurrent.futures
import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("run.py: numpy is not installed: pip install numpy", file=sys.stderr)
    sys.exit(2)

HERE = Path(__file__).resolve().parent
INSTALL_HINT = "pip install spu==0.9.5 (needs Python 3.10 or 3.11)"
PARTIES = {"cheetah": (2,), "aby3": (3,), "semi2k": (2, 3)}  # the first one is the default
WEIGHTS = ("secret", "server", "public")
FRACTION = {32: 8, 64: 18, 128: 26}  # SPU's fraction bits by ring
SERVER_RANK = 0  # with --weights server: the party that holds the weights in the clear
# Who must be trusted when the parties are on different machines; here all of them are on this one.
TRUST = {
    "cheetah": (
        "Both parties must follow the protocol (semi-honest): then neither sees the image or the weights "
        "of the other; there is no dealer and no third party."
    ),
    "aby3": (
        "No two of the three parties may collude, and all must follow the protocol (semi-honest): then "
        "none of them sees the image or the weights of another; there is no dealer."
    ),
    "semi2k with a dealer": (
        "The dealer must not collude with a party, nor see what goes over the link between the parties, and all "
        "must follow the protocol (semi-honest): then neither sees the image or the weights of the other, and the "
        "dealer sees the shapes of the network only."
    ),
    "semi2k": (
        "Party 0 must be trusted with everything: it deals the multiplication triples itself (SPU's "
        "default), and as it is the server it could read the image, so this is not private between two "
        "organisations."
    ),
}
MANIFEST_FORMAT = 1
ALARM_GRACE_S = 5
MAX_ALARM_S = 10**7
NARROW_RING_HINT = " (spu 0.9.5 crashes in larger matrix products on the 32-bit ring; take --field 64)"
LITERAL = re.compile(r"(stablehlo\.constant dense<)(-?\d[\d.e+-]*)(> : tensor<(?:\d+x)*f32>)")
PRODUCT = re.compile(r"stablehlo\.(?:dot_general|convolution)\b")


class UsageError(Exception):
    """Something the caller can put right; exit code 2."""


class RunError(Exception):
    """The run itself failed; exit code 1."""


# ---------------------------------------------------------------- what lies beside this file


def load_manifest():
    """The parsed manifest.json, with the keys this runner relies on checked."""
    path = HERE / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path} is missing; it is written by `relinc compile`") from None
    except ValueError as err:
        raise UsageError(f"{path} is not JSON: {err}") from None
    if manifest.get("format") != MANIFEST_FORMAT:
        raise UsageError(f"{path}: format {manifest.get('format')!r}, this runner reads {MANIFEST_FORMAT}")
    for key in ("input", "weights", "output"):
        if key not in manifest:
            raise UsageError(f"{path}: the key {key!r} is missing")
    if manifest.get("entry", "main") != "main":
        raise UsageError(f"{path}: entry {manifest['entry']!r}, SPU only runs @main")
    return manifest


def choose_program(manifest, protocol):
    """The manifest's entry for a protocol; for one it does not name, the entry with most direct convolutions."""
    programs = manifest.get("programs") or [{"file": "model.mlir", "protocols": [protocol]}]
    named = [p for p in programs if protocol in p["protocols"]]
    return (named or sorted(programs, key=lambda p: p.get("convolutions", {}).get("taps", 0)))[0]


def fraction_bits(job):
    """Fraction bits of the runtime's fixed point."""
    return job["fraction"] or FRACTION[job["field"]]


def nearest(numbers, fraction):
    """Floats as the nearest numbers of fixed point.

    SPU itself rounds towards zero: every weight a little smaller, which adds up over a network.
    """
    if numbers.dtype.kind != "f":
        return numbers
    return np.asarray(np.rint(numbers.astype(np.float64) * 2.0**fraction) * 2.0**-fraction, dtype=np.float32)


def load_program(job):
    """The StableHLO text of the model, its own numbers as the nearest of fixed point."""
    path = HERE / job["program"]["file"]
    if not path.is_file():
        raise UsageError(f"{path} is missing")
    fraction = fraction_bits(job)

    def rounded(found):
        number = nearest(np.array(np.float32(found[2])), fraction)
        return found[0] if number == np.float32(found[2]) else f"{found[1]}{float(number):.17e}{found[3]}"

    return LITERAL.sub(rounded, path.read_text(encoding="utf-8"))


def arguments(manifest, program):
    """The names of what a program reads after the input, in order."""
    return program.get("arguments", manifest["weights"])


def load_weights(manifest, job, folder=HERE):
    """The weights in argument order; floats as f32, the only float the runtime encodes well, at the nearest number of
    fixed point, indices as i32."""
    names = arguments(manifest, job["program"])
    if not names:
        return []
    path = folder / "weights.npz"
    if not path.is_file():
        raise UsageError(f"{path} is missing")
    fraction = fraction_bits(job)
    matrices, unit = job["program"].get("matrices", {}), manifest.get("unit")
    dense = job["program"].get("dense", {})
    read = {name: [d["weights"]] for name, d in dense.items()} | matrices
    with np.load(path, allow_pickle=False) as stored:
        needed = [part for name in names for part in read.get(name, [name])]
        absent = [name for name in needed if name not in stored and name != unit]
        if absent:
            raise UsageError(f"{path} lacks {', '.join(absent[:5])}, named in manifest.json")
        arrays = []
        for name in names:
            if name in matrices:
                arrays.append(np.concatenate([ring_matrix(stored[w], w, fraction) for w in matrices[name]]))
            elif name in dense:
                arrays.append(spread_groups(stored[dense[name]["weights"]], dense[name]["groups"]))
            else:
                arrays.append(np.array(np.float32(2.0**-fraction)) if name == unit else stored[name])
    return [a.astype(np.int32) if a.dtype.kind == "i" else nearest(a, fraction) for a in arrays]


def spread_groups(weights, groups):
    """Weights [O, C/groups, kH, kW] of a convolution of several groups as those [O, C, kH, kW] of a dense one."""
    filters, depth = weights.shape[0] // groups, weights.shape[1]
    whole = np.zeros((weights.shape[0], depth * groups, *weights.shape[2:]), weights.dtype)
    for i in range(groups):
        whole[i * filters:(i + 1) * filters, i * depth:(i + 1) * depth] = weights[i * filters:(i + 1) * filters]
    return whole


def ring_matrix(weights, name, fraction):
    """Weights [O, C, kH, kW] as the matrix [kH*kW*O, C] of ring elements, in the runtime's own fixed point."""
    scaled = np.rint(weights.astype(np.float64).transpose(2, 3, 0, 1).reshape(-1, weights.shape[1]) * 2.0**fraction)
    if np.abs(scaled).max(initial=0.0) >= 2**31:
        raise UsageError(f"weights.npz: {name} holds weights of {2.0**(31 - fraction):g} or more; lower --fraction")
    return scaled.astype(np.int32)


def load_images(manifest, given, count):
    """The first `count` images, the sample's over again where they are fewer, f32 of the manifest's shape, as an array [count, ...]."""
    path = Path(given) if given else HERE / "sample_input.npy"
    try:
        images = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        hint = "" if given else "; give one with --input FILE.npy"
        raise UsageError(f"{path} is missing{hint}") from None
    except (ValueError, OSError) as err:
        raise UsageError(f"{path} is not a .npy array: {err}") from None
    shape = tuple(manifest["input"]["shape"])
    if not shape or shape[0] != 1:
        raise UsageError(f"manifest.json: input shape {list(shape)}; it is that of one image, [1, ...]")
    if not isinstance(images, np.ndarray) or images.dtype.kind not in "fiu":
        raise UsageError(f"{path} must hold one array of numbers")
    if images.shape == shape[1:]:
        images = images[None]
    if images.shape[1:] != shape[1:]:
        raise UsageError(f"{path} has shape {list(images.shape)}, the model wants [N, {str(list(shape[1:]))[1:]}")
    if not given and 0 < len(images) < count:
        images = np.tile(images, (-(-count // len(images)), *[1] * (images.ndim - 1)))
    if count > len(images):
        raise UsageError(f"--n {count}, but {path} holds {len(images)} image(s)")
    images = np.ascontiguousarray(images[:count], dtype=np.float32)
    if not np.isfinite(images).all():
        raise UsageError(f"{path} holds infinite or undefined values, which fixed point cannot say")
    return images


# ---------------------------------------------------------------- the worker: parties and runtime


def import_spu():
    """The modules spu.api and spu.libspu, or a UsageError that says how to install them."""
    try:
        import spu.api
        import spu.libspu
    except ImportError as err:
        raise UsageError(f"cannot import spu ({err}): {INSTALL_HINT}") from None
    return spu.api, spu.libspu


def check_narrow(job, text):
    """SPU before 0.10 crashes in matrix products of 32 bits: a UsageError says what to install."""
    if job["field"] != 32 or not PRODUCT.search(text):
        return
    try:
        installed = importlib.metadata.version("spu")
    except importlib.metadata.PackageNotFoundError:
        return
    if tuple(int(part) for part in re.findall(r"\d+", installed)[:2]) < (0, 10):
        raise UsageError(
            f"the ring of 32 bits needs spu 0.10, and {installed} is installed, which crashes in its matrix products: "
            "pip install spu==0.10.0.dev20251211 (Python 3.11 or later), or take --field 64"
        )


def dealer_config(options, protocol):
    """SPU's settings of a dealer apart from the parties, from the command line; none without --dealer."""
    if not options.dealer:
        if options.dealer_key or options.dealer_tls:
            raise UsageError("--dealer-key and --dealer-tls belong to --dealer HOST:PORT")
        return None
    if protocol != "semi2k":
        raise UsageError(f"{protocol} has no dealer; --dealer is for semi2k")
    if not options.dealer_key:
        raise UsageError("--dealer needs --dealer-key PUB.pem, the dealer's public key")
    try:
        key = Path(options.dealer_key).read_text(encoding="ascii")
    except (OSError, ValueError) as err:
        raise UsageError(f"{options.dealer_key} is no public key in PEM: {err}") from None
    if "BEGIN PUBLIC KEY" not in key:
        raise UsageError(f"{options.dealer_key} is no public key in PEM")
    config = {
        "server_host": options.dealer, "adjust_rank": SERVER_RANK, "asym_crypto_schema": "SM2",
        "server_public_key": key, "transport_protocol": "http",
    }
    if options.dealer_tls:
        files = {name: Path(options.dealer_tls).resolve() / f"{name}.pem" for name in ("cert", "key", "ca")}
        for file in files.values():
            if not file.is_file():
                raise UsageError(f"{file} is missing; `relinc certificates -o DIR` makes such folders")
        config["ssl_config"] = {
            "certificate": str(files["cert"]), "private_key": str(files["key"]),
            "ca_file_path": str(files["ca"]), "verify_depth": 1,
        }
    return config


def runtime_config(lib, job, rank=0):
    """SPU's configuration; only party 0 profiles its operations, so in the log they have one voice."""
    config = lib.RuntimeConfig()
    if job.get("dealer"):
        # The only way that SPU's package has to set these: the Python object does not let itself be assigned.
        config.ParseFromJsonString(json.dumps({"beaver_type": "TrustedThirdParty", "ttp_beaver_config": job["dealer"]}))
    config.protocol = getattr(lib.ProtocolKind, job["protocol"].upper())
    config.field = getattr(lib.FieldType, f"FM{job['field']}")
    if job["fraction"]:
        config.fxp_fraction_bits = job["fraction"]
    if job["protocol"] == "cheetah":
        # Products of two secrets may be off by one unit in the last place, as every truncation is: a quarter fewer bytes.
        config.cheetah_2pc_config.enable_mul_lsb_error = True
    config.trunc_allow_msb_error = job.get("truncation") == "bounded"
    # Without this flag an owner's rank is ignored and the weights become shares.
    config.experimental_enable_colocated_optimization = job["weights"] == "server"
    config.enable_pphlo_profile = rank == 0
    config.enable_hal_profile = rank == 0 or job.get("all_parties", False)
    return config


def visibilities(lib, manifest, program, setting):
    """What the compiler is told about each argument: the input, then the weights."""
    secret, public = lib.Visibility.VIS_SECRET, lib.Visibility.VIS_PUBLIC
    always_public = set(manifest.get("public", []))
    return [secret] + [
        public if setting == "public" or name in always_public else secret for name in arguments(manifest, program)
    ]


def compile_program(api, lib, text, vis):
    """SPU's byte code for the program."""
    source = lib.CompilationSource(lib.SourceIRType.STABLEHLO, text.encode(), vis)
    try:
        return api.compile(source, lib.CompilerOptions())
    except Exception as err:
        raise RunError(f"SPU cannot compile the program: {first_lines(str(err))}") from err


def queries(job):
    """How many queries the images take."""
    return -(-job["n"] // job["batch"])


def fill(images, job):
    """The images of each query; the last is filled up with zeros."""
    missing = queries(job) * job["batch"] - len(images)
    padded = np.concatenate([images, np.zeros((missing, *images.shape[1:]), images.dtype)])
    return list(nearest(padded, fraction_bits(job)).reshape(-1, job["batch"], *images.shape[1:]))


def deal(io, arrays, vis, secret, owner):
    """Shares of every array, by party: a list of each party's shares."""
    dealt = [io.make_shares(a, v, owner if v == secret else -1) for a, v in zip(arrays, vis)]
    return [list(shares) for shares in zip(*dealt)]


# ---------------------------------------------------------------- node by node


NODE = re.compile(r"^\s*// node (\{.*\})$")
ARGUMENT = re.compile(r"(%\w+): (tensor<[^>]*>)")
RESULT = re.compile(r"^\s*(%\d+) = ")
VALUE = re.compile(r"%(?:\d+|input|unit|[wimd]\d+)\b")
TYPE = re.compile(r"tensor<[^>]*>")


def operations(lines):
    """The operations of the body, each with all of its lines."""
    found = []
    for line in lines:
        if RESULT.match(line) or not found:
            found.append([line])
        else:
            found[-1].append(line)
    return ["\n".join(op) for op in found if RESULT.match(op[0])]


def cut(text, names, vis, public):
    """The program node by node: (what the comment says, text of a module, argument names, their visibilities, results).

    Constants are repeated wherever they are read; a value is public when nothing secret went into it.
    """
    head, body = text.split("{\n", 2)[1:]
    types = dict(ARGUMENT.findall(head))
    variable = dict(zip(types, names))
    visibility = dict(zip(types, vis))
    last = re.search(r"^\s*return (%\w+)", body, re.M)
    groups = []
    for line in body[: last.start()].splitlines():
        if found := NODE.match(line):
            groups.append((json.loads(found[1]), []))
        elif groups:
            groups[-1][1].append(line)
    groups = [(note, operations(lines)) for note, lines in groups]
    constants = {}
    for _, ops in groups:
        for op in ops:
            name = RESULT.match(op)[1]
            types[name] = TYPE.findall(op)[-1]
            if "= stablehlo.constant " in op:
                constants[name] = op
    readers = {}
    for i, (_, ops) in enumerate(groups):
        for op in ops:
            for name in VALUE.findall(op.split(" = ", 1)[1]):
                readers[name] = i
    readers[last[1]] = len(groups)
    pieces = []
    for i, (note, ops) in enumerate(groups):
        own = [RESULT.match(op)[1] for op in ops]
        for name, op in zip(own, ops):
            reads = [n for n in VALUE.findall(op.split(" = ", 1)[1]) if n not in constants]
            secret = [visibility[n] for n in reads if visibility[n] != public]
            visibility[name] = secret[0] if secret else public
            variable[name] = f"v{name[1:]}"
        results = [n for n in own if n not in constants and readers.get(n, -1) > i]
        outside = dict.fromkeys(n for op in ops for n in VALUE.findall(op.split(" = ", 1)[1]) if n not in own)
        given = [n for n in outside if n not in constants]
        if not results or not given:
            continue
        head = ", ".join(f"{n}: {types[n]}" for n in given)
        inside = [constants[n] for n in outside if n in constants] + ops
        kinds = ", ".join(types[n] for n in results)
        module = (
            f"module @node {{\n  func.func @main({head}) -> ({kinds}) {{\n" + "\n".join(inside)
            + f"\n    return {', '.join(results)} : {kinds}\n  }}\n}}\n"
        )
        left = [variable[n] for n in results]
        pieces.append((note, module, [variable[n] for n in given], [visibility[n] for n in given], left))
    return pieces


def compile_layers(api, lib, text, names, vis):
    """SPU's byte code of every node: (what it is, argument names, result names, code)."""
    pieces = cut(text, names, vis, lib.Visibility.VIS_PUBLIC)
    return [(note, args, out, compile_program(api, lib, piece, v)) for note, piece, args, v, out in pieces]


def run_party(api, lib, job, rank, desc, code, names, images, weights, layers):
    """One party's part: set the weights once, then run every image, then every node of the first image; returns its
    output shares."""
    link = lib.link.create_mem(desc, rank)
    runtime = api.Runtime(link, runtime_config(lib, job, rank))
    for name, share in zip(names[1:], weights):
        runtime.set_var(name, share)
    results = []
    for i, image in enumerate(images):
        runtime.set_var(names[0], image)
        runtime.run(lib.Executable(f"image{i}", names, ["out"], code))
        results.append(runtime.get_var("out"))
    if layers:
        runtime.set_var(names[0], images[0])
    for i, (_, args, out, node) in enumerate(layers):
        runtime.run(lib.Executable(f"layer{i}", args, out, node))
    return results


def in_parallel(task, parties):
    """task(rank) for every party at once; the first failure ends the process, as the others wait for ever."""
    with_threads = concurrent.futures.ThreadPoolExecutor(parties)
    futures = [with_threads.submit(task, rank) for rank in range(parties)]
    concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_EXCEPTION)
    for future in futures:
        if future.done() and future.exception():
            raise future.exception()
    return [future.result() for future in futures]


def compute(job):
    """Everything that needs SPU: compile, deal, run, open.  Returns outputs and times."""
    api, lib = import_spu()
    manifest, parties = load_manifest(), job["parties"]
    weights = load_weights(manifest, job)
    images = load_images(manifest, job["input"], job["n"])
    config = runtime_config(lib, job)
    vis = visibilities(lib, manifest, job["program"], job["weights"])
    started = time.perf_counter()
    text = load_program(job)
    code = compile_program(api, lib, text, vis)
    compiled = time.perf_counter()
    names = ["in"] + [f"w{i}" for i in range(len(weights))]
    layers = compile_layers(api, lib, text, names, vis) if job["layers"] else []

    io = api.Io(parties, config)
    secret = lib.Visibility.VIS_SECRET
    owner = SERVER_RANK if job["weights"] == "server" else -1
    weight_shares = deal(io, weights, vis[1:], secret, owner) if weights else [[] for _ in range(parties)]
    batches = fill(images, job)
    image_shares = deal(io, batches, [secret] * len(batches), secret, -1)
    desc = lib.link.Desc()
    for rank in range(parties):
        desc.add_party(f"party{rank}", f"mem{rank}")
    shares = in_parallel(
        lambda rank: run_party(
            api, lib, job, rank, desc, code, names, image_shares[rank], weight_shares[rank], layers
        ),
        parties,
    )
    opened = [np.asarray(io.reconstruct(list(of_query))).reshape(job["batch"], -1) for of_query in zip(*shares)]
    outputs = np.concatenate(opened)[: job["n"]].tolist()
    return {"outputs": outputs, "compile_seconds": compiled - started, "nodes": [note for note, *_ in layers]}


def worker(folder):
    """Body of the child process: reads job.json, writes result.json; the log goes to fds 1 and 2."""
    folder = Path(folder)
    job = json.loads((folder / "job.json").read_text())
    signal.alarm(int(min(job["timeout"], MAX_ALARM_S)) + ALARM_GRACE_S)  # should the parent die first
    try:
        result = compute(job)
    except UsageError as err:
        result = {"usage": str(err)}
    except BaseException as err:  # SPU raises plain RuntimeErrors with a C++ stack in them
        traceback.print_exc()
        result = {"error": first_lines(str(err)) or type(err).__name__}
    (folder / "result.json").write_text(json.dumps(result))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads of a failed run still wait for each other


def first_lines(message):
    """SPU's error text without its stack trace."""
    return " ".join(re.split("stacktrace:", message, flags=re.IGNORECASE)[0].replace("what:", "").split())


# ---------------------------------------------------------------- the log


NUMBER = r"([0-9.eE+-]+)"
START = re.compile(rf"SPU execution (?:image|layer)\d+ completed, .*?execution took {NUMBER}s")
SECTION = re.compile(r"\b(HLO|HAL|MPC) profiling: total time")
OPERATION = re.compile(
    rf"- (\S+), executed (\d+) times, duration {NUMBER}s, send bytes (\d+) recv bytes (\d+)"
    r"(?:, send actions (\d+), recv actions (\d+))?"
)
TOTAL = re.compile(
    r"Link details: total send bytes (\d+), recv bytes (\d+), send actions (\d+), recv actions (\d+)"
)


def parse_operation(match):
    """One line of the profile as (name, figures)."""
    name, count, seconds, sent, received, send_actions, recv_actions = match.groups()
    return name, {
        "count": int(count),
        "sent_bytes": int(sent),
        "recv_bytes": int(received),
        "send_actions": int(send_actions or 0),
        "recv_actions": int(recv_actions or 0),
        "seconds": float(seconds),
    }


def parse_log(text):
    """Statistics of each image, then of each node, in order, from SPU's log of party 0."""
    images, current, section = [], None, None
    for line in text.splitlines():
        if found := START.search(line):
            current, section = {"seconds": float(found[1]), "ops": {}, "kernels": {}}, None
            images.append(current)
        elif current is None:
            continue
        elif found := SECTION.search(line):
            section = {"HLO": "ops", "MPC": "kernels"}.get(found[1])
        elif found := TOTAL.search(line):
            keys = ("sent_bytes", "recv_bytes", "send_actions", "recv_actions")
            current.update(zip(keys, map(int, found.groups())))
        elif section and (found := OPERATION.search(line)):
            name, figures = parse_operation(found)
            current[section][name] = figures
    return images


def parse_all_parties(text, parties):
    """The same without kernels where all parties profile, and what they send together; only party 0 prints operations.

    Nobody starts an image before all have ended the one before, as every image communicates; within an image the
    parties' lines mix, so party 0's totals are the sums of its operations.
    """
    images, ops, totals, seconds = [], {}, [], 0.0
    for line in text.splitlines():
        if found := START.search(line):
            seconds = max(seconds, float(found[1]))
        elif found := TOTAL.search(line):
            totals.append(tuple(map(int, found.groups())))
        elif (found := OPERATION.search(line)) and found[1].startswith("pphlo."):
            name, figures = parse_operation(found)
            ops[name] = figures
        if len(totals) == parties:
            keys = ("sent_bytes", "recv_bytes", "send_actions", "recv_actions")
            own = {key: sum(f[key] for f in ops.values()) for key in keys}
            if tuple(own.values()) not in totals:
                raise RunError("party 0's operations do not add up to any party's totals: is it spu 0.9.5?")
            everyone = sum(sent for sent, *_ in totals)
            images.append({"seconds": seconds, "ops": ops, "kernels": {}, "all_sent_bytes": everyone} | own)
            ops, totals, seconds = {}, [], 0.0
    return images


# ---------------------------------------------------------------- the parent: limits and report


def environment(parties):
    """The environment of a process that runs this many parties: each gets its share of the processors.

    SPU multiplies matrices on every processor, in each party at once, and threads that wait for one another spin: products of two
    parties on two processors take 3 to 6 times as long so. OMP_THREAD_LIMIT has to stand before the library is loaded.
    """
    each = max(1, len(os.sched_getaffinity(0)) // parties) if hasattr(os, "sched_getaffinity") else 1
    return {"OMP_THREAD_LIMIT": str(each), **os.environ}


def run_job(job):
    """Run the worker under the time limit; returns its result and its log."""
    with tempfile.TemporaryDirectory(prefix="relinc-run-") as folder:
        (Path(folder) / "job.json").write_text(json.dumps(job))
        log = Path(folder) / "log.txt"
        with log.open("wb") as sink:
            child = subprocess.Popen(
                [sys.executable, str(Path(__file__).resolve()), "--worker", folder],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=environment(job["parties"]), cwd=folder,  # SPU leaves files there
            )
            try:
                code = child.wait(timeout=job["timeout"])
            except subprocess.TimeoutExpired:
                raise RunError(f"no result after {job['timeout']} s; raise --timeout or lower --n") from None
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
        text = log.read_text(errors="replace")
        answer = Path(folder) / "result.json"
        if not answer.is_file():
            tail = "\n".join(text.splitlines()[-15:])
            hint = NARROW_RING_HINT if job["field"] == 32 else ""
            raise RunError(f"the runtime {how_it_ended(code)} and left no result{hint}" + (f":\n{tail}" if tail else ""))
        return json.loads(answer.read_text()), text


def how_it_ended(code):
    """A child's exit status in words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def diagnostics(log):
    """The compiler's own error lines, which SPU's exception does not repeat."""
    return [line.strip() for line in log.splitlines() if re.search(r"\berror: ", line)][:3]


def trust(job):
    """Who must be trusted when the parties are on different machines."""
    return TRUST["semi2k with a dealer" if job["dealer"] else job["protocol"]]


def report(job, result, log):
    """The document that is printed."""
    images = parse_all_parties(log, job["parties"]) if job["all_parties"] else parse_log(log)
    count = queries(job)
    images, nodes = images[:count], images[count:]
    if len(nodes) != len(result["nodes"]) or any("sent_bytes" not in node for node in nodes):
        raise RunError(f"SPU's log holds statistics of {len(nodes)} node(s), not {len(result['nodes'])}")
    if len(images) != count or any("sent_bytes" not in im for im in images):
        raise RunError(f"SPU's log holds statistics of {len(images)} quer(ies), not {count}: is it spu 0.9.5?")
    totals = ("sent_bytes", "recv_bytes", "send_actions", "recv_actions", "seconds")
    per_image = [{key: image[key] for key in totals} for image in images]
    others = per_image[1:]
    traffic = {(image["sent_bytes"], image["send_actions"]) for image in others}
    first = images[0]
    return {
        "runtime": "spu",
        "protocol": job["protocol"],
        "trust": trust(job),
        "dealer": job["dealer"] and job["dealer"]["server_host"],  # null where party 0 deals
        "ring": job["field"],
        "fraction": fraction_bits(job),
        "truncation": job["truncation"],
        "failure_at_most": job["failure_at_most"],  # the probability that truncations spoil a query; null where they are safe
        "parties": job["parties"],
        "weights": job["weights"],
        "program": job["program"]["file"],
        "convolutions": job["program"].get("convolutions", {}),
        "images": job["n"],
        "query_batch": job["batch"],  # images of a query; the figures below are a query's
        "outputs": result["outputs"],  # one flat list an image
        "sent_bytes": first["sent_bytes"],
        "recv_bytes": first["recv_bytes"],
        "send_actions": first["send_actions"],
        "recv_actions": first["recv_actions"],
        "rounds": first["send_actions"],
        "all_sent_bytes": first.get("all_sent_bytes"),  # of all parties; null without --all-parties
        "seconds": first["seconds"],
        "compile_seconds": result["compile_seconds"],
        "later": {key: sum(im[key] for im in others) / len(others) for key in totals} if others else None,
        "images_agree": len(traffic) <= 1,
        "per_image": per_image,
        "layers": [note | {key: node[key] for key in totals} for note, node in zip(result["nodes"], nodes)],
        "ops": {name: f for name, f in first["ops"].items() if name.startswith("pphlo.")},
        "kernels": first["kernels"],
    }


def print_table(doc):
    """The same for people: one line an image, then where the bytes of one image go."""
    print(f"spu {doc['protocol']}, {doc['parties']} parties, ring {doc['ring']}, weights {doc['weights']}")
    if doc["truncation"] == "bounded":
        known = doc["failure_at_most"]
        risk = "with an unknown probability" if known is None else f"with probability {known:.1e} at most"
        print(f"each party truncates by itself, {doc['fraction']} fraction bits: a query goes wrong {risk}")
    forms = doc["convolutions"]
    if forms:
        print(f"{doc['program']}: {forms['taps']} convolutions as one product over all taps, {forms['direct']} direct")
    for i, values in enumerate(doc["outputs"]):
        shown = " ".join(f"{v:.4f}" for v in values[:10]) + (" …" if len(values) > 10 else "")
        print(f"image {i}: class {int(np.argmax(values))}   {shown}")
    one = "one image" if doc["query_batch"] == 1 else f"one query of {doc['query_batch']} images"
    print(
        f"{one}, party 0: sent {doc['sent_bytes']:,} B, received {doc['recv_bytes']:,} B, "
        f"{doc['send_actions']} send actions, {doc['seconds']:.2f} s"
    )
    if later := doc["later"]:
        print(
            f"a later one: sent {later['sent_bytes']:,.0f} B, received {later['recv_bytes']:,.0f} B, "
            f"{later['send_actions']:g} send actions, {later['seconds']:.2f} s"
        )
    if doc["all_sent_bytes"] is not None:
        print(f"all parties together: sent {doc['all_sent_bytes']:,} B")
    if not doc["images_agree"]:
        print("later images differ: sent " + ", ".join(f"{im['sent_bytes']:,}" for im in doc["per_image"][1:]))
    print(f"{'operation':<24}{'count':>7}{'sent':>14}{'received':>14}{'actions':>9}{'seconds':>9}")
    heavy_first = sorted(doc["ops"].items(), key=lambda item: (-item[1]["sent_bytes"], -item[1]["seconds"]))
    for name, f in heavy_first:
        print(
            f"{name:<24}{f['count']:>7}{f['sent_bytes']:>14,}{f['recv_bytes']:>14,}"
            f"{f['send_actions']:>9}{f['seconds']:>9.3f}"
        )


# ---------------------------------------------------------------- the command line


def positive(kind):
    """An argparse type: a positive number of this kind."""

    def parse(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value

    parse.__name__ = kind.__name__
    return parse


def epilog():
    """What stands under the options: what is counted, and whom each protocol trusts."""
    counted = ["Bytes are party 0's for one image; dealing inputs and opening outputs are not counted."]
    trust = ["Who must be trusted when the parties are on different machines:"]
    trust += [f"{name}: {said}" for name, said in TRUST.items()]
    return "\n\n".join(textwrap.fill(text, 100) for text in counted + trust)


def parse_arguments(argv):
    """The command line as argparse sees it."""
    parser = argparse.ArgumentParser(
        description="Run the compiled model under MPC on this machine and count its traffic.",
        epilog=epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--protocol", choices=sorted(PARTIES), help="default: the manifest's")
    parser.add_argument("--parties", type=int, help="cheetah: 2; aby3: 3; semi2k: 2 (default) or 3")
    parser.add_argument("--weights", choices=WEIGHTS,
                        help="who knows them: nobody, party 0, everybody (default: the manifest's, "
                             "but server under cheetah instead of secret)")
    parser.add_argument("--input", metavar="FILE.npy", help="f32 images [N, ...]; default: sample_input.npy")
    parser.add_argument("--n", "--queries", type=positive(int), default=1, help="how many images, a query each unless queries hold several (default 1)")
    parser.add_argument("--field", type=int, choices=(32, 64, 128), help="bits of the ring (default: the manifest's)")
    parser.add_argument("--fraction", type=positive(int), metavar="F",
                        help="fraction bits (default: the manifest's in its ring, else SPU's for the ring)")
    parser.add_argument("--truncation", choices=("safe", "bounded"),
                        help="bounded: the two parties of semi2k truncate each by itself, which costs nothing and goes wrong at "
                             "random (default: the manifest's, for the format it was found for)")
    parser.add_argument("--dealer", metavar="HOST:PORT",
                        help="semi2k: who deals the triples (relinc dealer), instead of party 0")
    parser.add_argument("--dealer-key", metavar="PUB.pem", help="the dealer's public key")
    parser.add_argument("--dealer-tls", metavar="DIR", help="cert.pem, key.pem and ca.pem for the way to the dealer")
    parser.add_argument("--timeout", type=positive(float), default=600.0, metavar="S", help="seconds (default 600)")
    parser.add_argument("--layers", action="store_true", help="also what each node costs by itself")
    parser.add_argument("--all-parties", action="store_true", help="also what all parties send together")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser.parse_args(argv)


def choose_truncation(options, manifest, protocol, parties, field, fraction):
    """How products are truncated, with how many fraction bits, and the bound that the manifest knows for that."""
    applies = protocol == "semi2k" and parties == 2 and field == 64
    if options.truncation == "bounded" and not applies:
        raise UsageError("--truncation bounded is for semi2k with 2 parties in the ring of 64 bits")
    found = manifest.get("bounded_truncation") if applies and options.truncation != "safe" else None
    if found and options.fraction in (None, found["fraction"]):
        return "bounded", found["fraction"], found["at_most"]
    return options.truncation or "safe", fraction, None


def make_job(options, manifest):
    """The arguments with every default filled in, as the worker reads them."""
    protocol = options.protocol or manifest.get("protocol_default", "cheetah")
    if protocol not in PARTIES:
        raise UsageError(f"manifest.json: unknown protocol_default {protocol!r}")
    allowed = PARTIES[protocol]
    parties = options.parties or allowed[0]
    if parties not in allowed:
        raise UsageError(f"{protocol} runs with {' or '.join(map(str, allowed))} parties, not {parties}")
    weights = options.weights or manifest.get("weights_setting", "secret")
    if weights not in WEIGHTS:
        raise UsageError(f"manifest.json: unknown weights_setting {weights!r}")
    if protocol == "cheetah" and not options.weights and weights == "secret":
        weights = "server"
    if options.layers and options.all_parties:
        raise UsageError("--layers and --all-parties exclude each other")
    own = manifest.get("ring", 64)
    field = options.field or own
    fraction = options.fraction or (manifest.get("fraction", 0) if field == own else 0)
    truncation, fraction, failure = choose_truncation(options, manifest, protocol, parties, field, fraction)
    if fraction >= field // 2:
        raise UsageError(f"--fraction {fraction} leaves no room for products in a ring of {field} bits")
    return {
        "protocol": protocol, "parties": parties, "weights": weights, "program": choose_program(manifest, protocol),
        "input": str(Path(options.input).resolve()) if options.input else None,
        "n": options.n, "field": field, "fraction": fraction, "timeout": options.timeout,
        "truncation": truncation, "failure_at_most": failure,
        "dealer": dealer_config(options, protocol), "layers": options.layers, "all_parties": options.all_parties, "batch": manifest.get("query_batch", 1),
    }


def main(argv):
    """Entry point; returns the exit code."""
    if len(argv) == 2 and argv[0] == "--worker":
        return worker(argv[1])
    options = parse_arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the worker is ended too
    try:
        manifest = load_manifest()
        job = make_job(options, manifest)
        check_narrow(job, load_program(job))
        load_weights(manifest, job), load_images(manifest, job["input"], job["n"])
        if not options.json:
            print(f"spu {job['protocol']}: {trust(job)}", flush=True)
        result, log = run_job(job)
        if "usage" in result:
            raise UsageError(result["usage"])
        if "error" in result:
            raise RunError("\n  ".join([result["error"], *diagnostics(log)]))
        doc = report(job, result, log)
    except UsageError as err:
        print(f"run.py: {err}", file=sys.stderr)
        return 2
    except RunError as err:
        print(f"run.py: {err}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(doc))
    else:
        print_table(doc)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
