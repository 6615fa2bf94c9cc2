#!/usr/bin/env python3
"""Work that another program paces: one repetition for each line on stdin, its seconds to stdout, `ready` before the first.

    python benches/pytorch/paced.py train-step --model resnet20.onnx --batch 128 --threads 2 [--channels-last]

`train-step` is an SGD step with masked ReLUs, `robust-step` RLNet's (clean and AugMix views, PGD-7, two sets of BatchNorms, a
teacher), `eval` a forward pass in onnxruntime, `compile` reading, simplifying and writing a file with onnxsim. `relinc bench …
--paced` speaks the same way; `paired.py` lets both take turns.

Needs torch, numpy and onnx; eval needs onnxruntime, compile onnxsim.
"""

import argparse
import copy
import os
import sys
import tempfile
import time

import numpy as np


def half_masks(net):
    """Every second ReLU."""
    return {l: (np.arange(n) % 2 == 0).reshape(net.mask_shape(l)) for l, n in zip(net.layers, net.sizes)}


def network(args):
    import torch

    from onnx_resnet import OnnxNet

    torch.manual_seed(0)
    net = OnnxNet(args.model)
    if args.channels_last:
        net = net.to(memory_format=torch.channels_last)
    if not args.relu:
        net.set_masks(half_masks(net))
    net = net.to(args.device).train()
    return compiled(net, args) if args.compile else net


def compiled(net, args):
    """By torch.compile, as one graph: constants that the file computes with are known from a first pass, and plain lists."""
    import torch

    with torch.no_grad():
        net(pixels(args, args.batch, net.size))
    for known in net._known.values():
        known.update({k: v.tolist() for k, v in known.items() if isinstance(v, np.ndarray)})
    return torch.compile(net, fullgraph=True)


def pixels(args, count, size):
    import torch

    x = torch.rand(count, 3, *size, device=args.device)
    return x.contiguous(memory_format=torch.channels_last) if args.channels_last else x


def precision(args):
    """What forward passes compute in; f32 without --half, with TF32 where the card has it and --tf32 allows it."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.tf32
    kinds = {"bf16": torch.bfloat16, "f16": torch.float16}
    return torch.autocast(args.device, dtype=kinds.get(args.half), enabled=args.half is not None)


def train_step(args):
    import torch
    import torch.nn.functional as F

    import training

    net = network(args)
    sgd = training.optimizer(net, 1e-3)
    x, y = pixels(args, args.batch, net.size), torch.arange(args.batch, device=args.device) % 10
    half = precision(args)

    def once():
        sgd.zero_grad()
        with half:
            loss = F.cross_entropy(net((x - 0.45) / 0.25), y)
        loss.backward()
        sgd.step()

    return once


def second_norms(net):
    """A network with the same weights and BatchNorms of its own."""
    other = copy.deepcopy(net)
    own = {net.attribute[i] for n in net.nodes if n.op == "BatchNormalization" for i in n.inputs[1:]}
    for name, p in net.named_parameters():
        if name not in own:
            other._parameters[name] = p
    return other


def robust_step(args):
    import torch
    import torch.nn.functional as F

    import losses

    teacher, clean = network(args).eval(), network(args)
    attacked = second_norms(clean)
    every = {id(p): p for n in (clean, attacked) for p in n.parameters()}
    sgd = torch.optim.SGD(every.values(), 1e-3, momentum=0.9, weight_decay=5e-4)
    half = args.batch // 2
    x, augmix = pixels(args, args.batch, clean.size), pixels(args, half, clean.size)
    y = torch.arange(args.batch, device=args.device) % 10
    autocast = precision(args)
    eps, step, steps = 8 / 255, 2 / 255, 7
    norm = lambda v: (v - 0.45) / 0.25
    loss = lambda z, y, t: 0.5 * F.cross_entropy(z, y) + 0.5 * losses.kl(z, t)

    def attack(x, target):
        attacked.eval().requires_grad_(False)
        adv = (x + (2 * torch.rand_like(x) - 1) * eps).clamp(0, 1)
        low, high = (x - eps).clamp(min=0), (x + eps).clamp(max=1)
        for _ in range(steps):
            adv.requires_grad_()
            with autocast:
                divergence = losses.kl(attacked(norm(adv)), target)
            (grad,) = torch.autograd.grad(divergence, adv)
            adv = torch.min(torch.max(adv.detach() + step * grad.sign(), low), high)
        attacked.train().requires_grad_(True)
        return adv

    def once():
        with torch.no_grad(), autocast:
            target = teacher(norm(x)).float()
        sgd.zero_grad()
        with autocast:
            z = clean(norm(torch.cat([x[:half], augmix]))).float()
        total = loss(z[:half], y[:half], target[:half]) + loss(z[half:], y[:half], target[:half])
        adv = attack(x[half:], target[half:])
        with autocast:
            z = attacked(norm(adv)).float()
        total = total + loss(z, y[half:], target[half:])
        (total / 3).backward()
        sgd.step()

    return once


def evaluation(args):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    x = np.random.default_rng(0).uniform(-1, 1, (args.batch, *entry.shape[1:])).astype(np.float32)
    return lambda: session.run(None, {entry.name: x})


def compilation(args):
    import onnx
    import onnxsim

    def once():
        with tempfile.TemporaryDirectory() as folder:
            model, ok = onnxsim.simplify(onnx.load(args.model))
            assert ok
            onnx.save(model, os.path.join(folder, "model.onnx"))

    return once


WORK = {"train-step": train_step, "robust-step": robust_step, "eval": evaluation, "compile": compilation}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", choices=list(WORK))
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--half", choices=["bf16", "f16"], help="autocast to this")
    parser.add_argument("--compile", action="store_true", help="train-step: by torch.compile")
    parser.add_argument("--tf32", action="store_true", help="products of f32 on tensor cores")
    parser.add_argument("--relu", action="store_true", help="plain ReLUs instead of masked ones")
    args = parser.parse_args()
    if args.work.endswith("step"):
        import torch

        torch.set_num_threads(args.threads)
    work = WORK[args.work](args)

    def once():
        work()
        if args.device == "cuda":
            torch.cuda.synchronize()

    once()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        once()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
