#!/usr/bin/env python3
"""Prints each loss and its gradient on small fixed arrays, in float64: the numbers that the Rust tests hold.

    python benches/pytorch/robust_losses.py

Needs torch.
"""

import json

import torch
import torch.nn.functional as F

import losses

STUDENT = [[1.0, -0.5, 2.0, 0.25], [0.0, 3.0, -1.0, 1.5], [-2.0, 0.5, 0.75, 0.125]]
TEACHER = [[2.0, 0.0, 1.0, -1.0], [0.5, 2.5, -0.5, 0.0], [-1.0, 1.0, 0.0, 2.0]]
LABELS = [2, 0, 3]


def feature(shape, step):
    """Entry i, counted row-major, is ((step·i) mod 11)/4 − 1."""
    n = int(torch.tensor(shape).prod())
    return ((step * torch.arange(n)) % 11).double().reshape(shape) / 4 - 1


def main():
    labels, teacher = torch.tensor(LABELS), torch.tensor(TEACHER, dtype=torch.float64)
    student_maps = [feature((2, 3, 2, 2), 3), feature((2, 4, 1, 2), 5)]
    teacher_maps = [feature((2, 3, 2, 2), 7), feature((2, 4, 1, 2), 2)]
    of_logits = {
        "ce": lambda z: F.cross_entropy(z, labels),
        "kl_t4": lambda z: losses.kl(z, teacher),
        "margin": lambda z: losses.margin(z, labels),
        "dlr": lambda z: losses.dlr(z, labels),
    }
    out = {}
    for name, loss in of_logits.items():
        z = torch.tensor(STUDENT, dtype=torch.float64, requires_grad=True)
        value = loss(z)
        value.sum().backward()
        out[name] = {"value": value.tolist(), "grad": z.grad.tolist()}
    maps = [m.requires_grad_() for m in student_maps]
    value = losses.attention_transfer(maps, teacher_maps)
    value.backward()
    terms = [losses.attention_transfer([s], [t]).item() / 4 for s, t in zip(maps, teacher_maps)]
    out["at"] = {"value": value.item(), "stages": terms, "grad": [m.grad.flatten().tolist() for m in maps]}
    maps = [m.detach() for m in maps]
    arrays = {"student": STUDENT, "teacher": TEACHER, "labels": LABELS}
    arrays |= {"student_maps": [m.tolist() for m in maps], "teacher_maps": [m.tolist() for m in teacher_maps]}
    print(json.dumps({"arrays": arrays, "losses": out}, indent=1))


if __name__ == "__main__":
    main()
