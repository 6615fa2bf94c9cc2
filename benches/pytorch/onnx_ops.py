"""ONNX operations on torch tensors: what image classifiers of the common exporters use."""

import numpy as np
import torch
import torch.nn.functional as F


def ints(value):
    """A list of Python integers from a numpy array, a list or a number."""
    return list(value) if isinstance(value, list) else [int(v) for v in np.asarray(value).reshape(-1)]


def tensor(value, like):
    """A numpy constant in the type of the tensor beside it."""
    return value if isinstance(value, torch.Tensor) else torch.as_tensor(np.array(value), dtype=like.dtype)


def padding(attrs, x, value=0.0):
    """Spatial padding: symmetric amounts for torch to apply, or `x` already padded."""
    if attrs.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise NotImplementedError(f"auto_pad {attrs['auto_pad'].decode()}")
    top, left, bottom, right = attrs.get("pads") or (0, 0, 0, 0)
    if (top, left) == (bottom, right):
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom), value=value), (0, 0)


def conv(attrs, x, w, b=None):
    x, pad = padding(attrs, x)
    return F.conv2d(x, w, b, attrs.get("strides", 1), pad, attrs.get("dilations", 1), attrs.get("group", 1))


def gemm(attrs, a, b, c=None):
    if attrs.get("transA"):
        a = a.T
    w = b if attrs.get("transB") else b.T
    y = F.linear(a, w) * attrs.get("alpha", 1.0) if attrs.get("alpha", 1.0) != 1 else F.linear(a, w)
    return y if c is None else y + attrs.get("beta", 1.0) * tensor(c, y)


def batch_norm(attrs, args, training):
    """In training mode by batch statistics, which also move the running ones."""
    x, scale, bias, mean, var = args
    momentum = 1 - attrs.get("momentum", 0.9)
    return F.batch_norm(x, mean, var, scale, bias, training, momentum, attrs.get("epsilon", 1e-5))


def reshape(attrs, args, batch, fixed_batch):
    """A batch size written into the file gives way to the one in use."""
    x, target = args[0], ints(args[1])
    if not attrs.get("allowzero"):
        target = [x.shape[i] if d == 0 else d for i, d in enumerate(target)]
    if fixed_batch and x.shape[0] == batch and target[0] == fixed_batch:
        target[0] = batch
    return x.reshape(target)


def slice_(attrs, x, starts=None, ends=None, axes=None, steps=None):
    starts = ints(attrs["starts"] if starts is None else starts)
    ends = ints(attrs["ends"] if ends is None else ends)
    axes = ints(attrs.get("axes", range(len(starts))) if axes is None else axes)
    steps = [1] * len(starts) if steps is None else ints(steps)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps):
        if step < 1:
            raise NotImplementedError("Slice with a negative step")
        index[axis] = slice(start, end, step)
    return x[tuple(index)]


def pad(attrs, x, pads=None, value=None, axes=None):
    if attrs.get("mode", b"constant") != b"constant" or axes is not None:
        raise NotImplementedError("Pad other than by a constant on all axes")
    amounts = ints(attrs["pads"] if pads is None else pads)
    pairs = list(zip(amounts[: x.ndim], amounts[x.ndim :]))
    fill = attrs.get("value", 0.0) if value is None else float(np.asarray(value).reshape(-1)[0])
    return F.pad(x, [v for pair in reversed(pairs) for v in pair], value=fill)


def average_pool(attrs, x):
    x_padded, amount = padding(attrs, x)
    if x_padded is not x:
        raise NotImplementedError("AveragePool with asymmetric padding")
    inside = bool(attrs.get("count_include_pad", 0))
    return F.avg_pool2d(x, attrs["kernel_shape"], attrs.get("strides", 1), amount, bool(attrs.get("ceil_mode", 0)), inside)


def max_pool(attrs, x):
    x, amount = padding(attrs, x, float("-inf"))
    return F.max_pool2d(x, attrs["kernel_shape"], attrs.get("strides", 1), amount, attrs.get("dilations", 1))


def reduce_mean(attrs, x, axes=None):
    return x.mean(ints(attrs["axes"] if axes is None else axes), keepdim=bool(attrs.get("keepdims", 1)))


def unsqueeze(attrs, x, axes=None):
    for axis in sorted(ints(attrs["axes"] if axes is None else axes)):
        x = x.unsqueeze(axis)
    return x


def gather(attrs, x, indices):
    """Along an axis, by constant indices of any rank."""
    axis = attrs.get("axis", 0) % x.ndim
    index = torch.tensor(indices).long()
    found = x.index_select(axis, index.flatten() % x.shape[axis])
    return found.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


def binary(f):
    """Elementwise with broadcasting; either side may be a constant."""

    def run(_, a, b):
        like = a if isinstance(a, torch.Tensor) else b
        return f(tensor(a, like), tensor(b, like))

    return run


OPS = {
    "Conv": conv,
    "Gemm": gemm,
    "MatMul": binary(torch.matmul),
    "Add": binary(torch.add),
    "Sub": binary(torch.sub),
    "Mul": binary(torch.mul),
    "Div": binary(torch.div),
    "AveragePool": average_pool,
    "MaxPool": max_pool,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "ReduceMean": reduce_mean,
    "Flatten": lambda attrs, x: torch.flatten(x, attrs.get("axis", 1)),
    "Transpose": lambda attrs, x: x.permute(attrs["perm"]),
    "Slice": slice_,
    "Pad": pad,
    "Concat": lambda attrs, *xs: torch.cat(xs, attrs["axis"]),
    "Softmax": lambda attrs, x: torch.softmax(x, attrs.get("axis", -1)),
    "Squeeze": lambda attrs, x, axes=None: x.squeeze(tuple(ints(attrs["axes"] if axes is None else axes))),
    "Unsqueeze": unsqueeze,
    "Gather": gather,
}


def apply(op, attrs, args):
    """The value of one node; NotImplementedError names an operation that is not here."""
    if op not in OPS:
        raise NotImplementedError(f"ONNX operation {op}")
    return OPS[op](attrs, *args)
