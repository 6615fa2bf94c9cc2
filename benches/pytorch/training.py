"""What the training programs share: options, batches that can be dumped and loaded, schedules, steps, accuracy."""

import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import cifar
import losses
from mask_files import read_masks, write_masks
from onnx_resnet import OnnxNet


def options(parser):
    """Command-line options of every program that trains."""
    add = parser.add_argument
    add("--model", required=True, help="ONNX classifier: the teacher")
    add("--data", required=True, help="folder with data_batch_1..5.bin[.xz] and test_batch.bin[.xz]")
    add("--normalize", choices=sorted(cifar.NORMS), default="imagenet")
    add("--images", type=int, default=50000, help="the first N training images, in file order")
    add("--test", type=int, default=10000, help="the first N test images")
    add("--budget", type=float, default=0.1, help="share of the ReLUs to keep")
    add("--tune-epochs", type=int, default=5)
    add("--tune-lr", type=float, default=0.01)
    add("--tune-schedule", choices=["steps", "one-cycle"], default="steps")
    add("--at", type=float, default=1000.0, help="weight of attention transfer while tuning")
    add("--batch", type=int, default=128)
    add("--clip", type=float, default=5.0, help="largest gradient norm; 0 = off")
    add("--no-augment", action="store_true", help="neither crop nor mirror")
    add("--bn", action="store_true", help="insert a BatchNorm after each convolution, at first the identity")
    add("--start", choices=["teacher", "random"], default="teacher", help="the student's first weights")
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=2)
    add("--contiguous", action="store_true", help="NCHW memory order, not channels-last")
    add("--dump", help="folder for the first masks, the batch order and the crops")
    add("--load", help="folder with such files, which are used instead of drawing")
    add("-o", "--output", help="folder for the last masks, the weights and the test logits")
    add("--max-steps", type=int, help="stop each epoch after this many steps (to try things out)")


def say(**fields):
    """One JSON line."""
    print(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in fields.items()}), flush=True)


class Batches:
    """Which images make up each batch of each epoch, and their crops: drawn from the seed, or loaded."""

    def __init__(self, args, epochs):
        self.images, self.labels = cifar.read(args.data, "train", args.images)
        self.norm = cifar.Normalize(args.normalize)
        self.limit, self.channels_last = args.max_steps, not args.contiguous
        steps, rng = len(self.images) // args.batch, np.random.default_rng(args.seed)
        if not args.load:
            drawn = [rng.permutation(len(self.images))[: steps * args.batch] for _ in range(epochs)]
            self.order = np.array(drawn, np.int32).reshape(epochs, steps, args.batch)
            self.crops = None if args.no_augment else cifar.draw_crops(rng, self.order.shape)
        else:
            self.order = np.load(os.path.join(args.load, "order.npy"))
            crops = os.path.join(args.load, "crops.npy")
            self.crops = None if args.no_augment else np.load(crops)
            if len(self.order) < epochs or self.order.max(initial=0) >= len(self.images):
                raise SystemExit(f"{args.load}: order.npy does not fit {epochs} epochs of {len(self.images)} images")
        if args.dump:
            os.makedirs(args.dump, exist_ok=True)
            np.save(os.path.join(args.dump, "order.npy"), self.order)
            if self.crops is not None:
                np.save(os.path.join(args.dump, "crops.npy"), self.crops)

    def steps(self):
        """Steps of one epoch."""
        return min(self.order.shape[1], self.limit or self.order.shape[1])

    def epoch(self, number):
        """(normalised images, labels) of each step."""
        for step in range(self.steps()):
            index = self.order[number, step]
            pixels = self.images[index]
            if self.crops is not None:
                pixels = cifar.crop_flip(pixels, self.crops[number, step])
            yield layout(self.norm(pixels), self.channels_last), self.labels[index]


def layout(x, channels_last):
    """The same values, in the memory order wanted."""
    return x.contiguous(memory_format=torch.channels_last) if channels_last else x


def load_pair(args, batches):
    """The teacher, in eval mode, and the student."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    teacher, student = OnnxNet(args.model).eval(), OnnxNet(args.model)
    if args.bn:
        student.insert_batchnorm(batches.norm(part) for part in batches.images[:1000].split(250))
    if args.start == "random":
        student.randomise()
    if batches.channels_last:
        teacher, student = (n.to(memory_format=torch.channels_last) for n in (teacher, student))
    for p in teacher.parameters():
        p.requires_grad_(False)
    return teacher, student.train()


def optimizer(net, lr):
    """SGD, momentum 0.9 without Nesterov, weight decay 5e-4 on every parameter."""
    return torch.optim.SGD(net.parameters(), lr, momentum=0.9, weight_decay=5e-4)


def rate(schedule, step, total):
    """The factor on the learning rate at `step` of `total`. `steps`: ×0.1 from 62.5, 75 and 87.5 % on. `one-cycle`:
    half a cosine from 1/25 to 1 over the first quarter, then one from 1 to 1e-4/25."""
    t = step / total
    if schedule == "constant":
        return 1.0
    if schedule == "steps":
        return 0.1 ** sum(t >= m for m in (0.625, 0.75, 0.875))
    low, high, part = (1 / 25, 1.0, t / 0.25) if t < 0.25 else (1.0, 1e-4 / 25, (t - 0.25) / 0.75)
    return low + (high - low) * (1 - math.cos(math.pi * part)) / 2


def step(net, sgd, loss, clip):
    """One update; returns the gradient's norm before clipping."""
    sgd.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), clip if clip > 0 else math.inf)
    sgd.step()
    return float(norm)


@torch.no_grad()
def predict(net, images, norm, batch=250):
    """N×classes logits in eval mode."""
    net.eval()
    return torch.cat([net(norm(part)) for part in images.split(batch)])


def tune(teacher, student, batches, args, first_epoch=0):
    """Masks frozen: 0.5·CE + 0.5·KL + at·AT on clean images only, as SENet (arXiv 2301.09254) does."""
    sgd = optimizer(student, args.tune_lr)
    total, done, stages = args.tune_epochs * batches.steps(), 0, student.stages()
    for epoch in range(args.tune_epochs):
        student.train()
        sums, start = np.zeros(5), time.time()
        for x, y in batches.epoch(first_epoch + epoch):
            taught, learnt = {}, {}
            with torch.no_grad():
                target = teacher(x, taught)
            logits = student(x, learnt)
            ce, kl = F.cross_entropy(logits, y), losses.kl(logits, target)
            at = losses.attention_transfer([learnt[s][1] for s in stages], [taught[s][1] for s in stages])
            loss = 0.5 * ce + 0.5 * kl + args.at * at
            for group in sgd.param_groups:
                group["lr"] = args.tune_lr * rate(args.tune_schedule, done, total)
            norm = step(student, sgd, loss, args.clip)
            done += 1
            right = (logits.detach().argmax(1) == y).double().mean()
            sums += [float(loss.detach()), float(ce.detach()), float(kl.detach()), float(at.detach()), float(right)]
        loss, ce, kl, at, right = (float(v) for v in sums / batches.steps())
        lr = sgd.param_groups[0]["lr"]
        say(stage="tune", epoch=epoch + 1, loss=loss, ce=ce, kl=kl, at=at, train=100 * right, lr=lr, norm=norm,
            seconds=time.time() - start)


def finish(student, masks, batches, args, program, counts):
    """Prints the test accuracy and writes what was asked for."""
    images, labels = cifar.read(args.data, "test", args.test)
    logits = predict(student, images, batches.norm)
    right = int((logits.argmax(1) == labels).sum())
    say(program=program, test=100 * right / len(labels), n=len(labels), relus=sum(counts), of=sum(student.sizes),
        counts=counts, torch=torch.__version__)
    if args.output:
        os.makedirs(args.output, exist_ok=True)
        np.save(os.path.join(args.output, "logits.npy"), logits.numpy())
        torch.save(student.state_dict(), os.path.join(args.output, "student.pt"))
        write_masks(os.path.join(args.output, "masks.safetensors"), student, masks, args.budget)


def given_masks(args, net):
    """The masks in the folder of `--load`, if it holds any."""
    path = args.load and os.path.join(args.load, "masks.safetensors")
    return read_masks(path, net) if path and os.path.exists(path) else None
