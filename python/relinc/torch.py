"""Masks on PyTorch networks: train them with your own code, and hand them back.

    student = relinc.torch.apply(model, masks, torch.zeros(1, 3, 32, 32))    # an nn.Module that computes under the masks
    …                                                                       # train it as any other
    relinc.torch.export(student, "student.onnx", "masks.safetensors", torch.zeros(1, 3, 32, 32))
    relinc.compile("student.onnx", "out", masks="masks.safetensors")

The network is traced by torch.fx, so its control flow must not depend on values. Its ReLUs are found wherever they are written
(nn.ReLU, nn.ReLU6, nn.Hardtanh from 0, torch.relu, F.relu, F.relu6, Tensor.relu), and relinc itself says which is which layer: the network is exported
once, and `relinc inspect` names the layers of that file.
"""

from __future__ import annotations

import copy
import inspect as _inspect
import math
import os
import re
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from . import commands
from .masks import IDENTITY, QUADRATIC, RELU, UNCAPPED, ZERO, Masks

if TYPE_CHECKING:
    import numpy as np

OPSET = 17
_NAME = "relinc_relu"
_FUNCTIONS = {F.relu: math.inf, torch.relu: math.inf, F.relu_: math.inf, torch.relu_: math.inf, F.relu6: 6.0}
_METHODS = {"relu": math.inf, "relu_": math.inf}


class MaskedReLU(nn.Module):
    """A ReLU layer under a mask; without one it is a ReLU, or one with the layer's cap.

    Slopes [C] and the coefficients of quadratics [C, 3] are parameters, where the masks have such.
    """

    choice: torch.Tensor | None
    slope: nn.Parameter | None
    quadratic: nn.Parameter | None

    def __init__(self, cap: float = math.inf) -> None:
        super().__init__()
        #: The layer's name, such as relu00; empty where relinc counts it for none.
        self.layer = ""
        #: C, H, W of the layer.
        self.shape: tuple[int, ...] = ()
        self.cap = cap
        #: Computes as if there were no mask.
        self.whole = False
        self.register_buffer("choice", None)
        self.register_parameter("slope", None)
        self.register_parameter("quadratic", None)

    def put(self, layer: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes the layer's arrays of a mask file."""
        self.choice = torch.tensor(arrays[layer])
        for name in ("slope", "quadratic"):
            given = arrays.get(f"{layer}.{name}")
            self.register_parameter(name, None if given is None else nn.Parameter(torch.tensor(given).float()))
        if self.quadratic is None and bool((self.choice == QUADRATIC).any()):
            raise ValueError(f"{layer} has quadratic elements, and {layer}.quadratic with their coefficients is missing")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        relu = F.relu(x)
        capped = relu if self.cap == math.inf else F.hardtanh(x, 0.0, self.cap)
        if self.choice is None or self.whole:
            return capped
        choice = self.choice.reshape(x.shape[1:])
        each = [-1] + [1] * (x.dim() - 2)
        line = x if self.slope is None else x * self.slope.reshape(each)
        y = torch.where(choice == IDENTITY, line, capped)
        y = torch.where(choice == ZERO, torch.zeros_like(x), y)
        if self.cap != math.inf:
            y = torch.where(choice == UNCAPPED, relu, y)
        if self.quadratic is not None:
            a, b, c = (self.quadratic[:, i].reshape(each) for i in range(3))
            y = torch.where(choice == QUADRATIC, (a * x + b) * x + c, y)
        return y

    def extra_repr(self) -> str:
        if self.choice is None:
            return "all ReLUs"
        kept = int(((self.choice == RELU) | (self.choice == UNCAPPED)).sum())
        return f"{self.layer}, {kept} of {self.choice.numel()} ReLUs"


def apply(model: nn.Module | str | os.PathLike[str], masks: Mapping[str, Any] | str | os.PathLike[str], example: torch.Tensor | None = None) -> fx.GraphModule:
    """The network under masks, as a module that can be trained; `model` itself stays as it is.

    `model` is a module, with an `example` of its input, or an ONNX file, which is read by the package onnx2torch where that is installed.

    Raises ValueError for a network that cannot be traced, and for masks that do not fit.
    """
    if not isinstance(model, nn.Module):
        example = _example(model) if example is None else example
        model = _read(model)
    if example is None:
        raise ValueError("give an example of the network's input, such as torch.zeros(1, 3, 32, 32)")
    given = Masks(masks) if isinstance(masks, Mapping) else Masks.load(masks)
    traced = _traced(model)
    layers = _name(traced, example)
    unknown = [name for name in given.layers if name not in layers]
    if unknown:
        raise ValueError(f"the masks are for another network: it has no ReLU layer {', '.join(unknown)}; its layers are {', '.join(layers)}")
    for name in given.layers:
        gate, shape = layers[name]
        found = list(given[name].shape)
        # A vector stands for C×1×1.
        if found + [1] * (len(shape) - len(found)) != shape:
            raise ValueError(f"{name}: the mask has the shape {found} and the layer {shape}")
        gate.put(name, given)
    return traced


def gates(model: nn.Module) -> dict[str, MaskedReLU]:
    """The ReLU layers of a network that `apply` made, by their names."""
    found = {m.layer: m for m in model.modules() if isinstance(m, MaskedReLU) and m.layer}
    return dict(sorted(found.items()))


def masks(model: nn.Module) -> Masks:
    """The masks of a network that `apply` made, with slopes and coefficients as they were trained."""
    out = Masks()
    for name, gate in gates(model).items():
        if gate.choice is not None:
            out[name] = gate.choice.cpu().numpy().copy()
            for parameter in ("slope", "quadratic"):
                value = getattr(gate, parameter)
                if value is not None:
                    out[f"{name}.{parameter}"] = value.detach().float().cpu().numpy().copy()
    return out


def export(model: nn.Module, onnx: str | os.PathLike[str], masks_: str | os.PathLike[str], example: torch.Tensor) -> None:
    """Writes a network that `apply` made: the network with all its ReLUs as ONNX, and its masks. `relinc compile` takes both."""
    whole = _plain(model)
    for gate in whole.modules():
        if isinstance(gate, MaskedReLU):
            gate.whole = True
    _onnx(whole, Path(onnx), example)
    masks(model).save(masks_)


def _plain(model: nn.Module) -> nn.Module:
    """A copy for exporting."""
    return copy.deepcopy(model).cpu().float().eval()


def _onnx(model: nn.Module, path: Path, example: torch.Tensor) -> None:
    try:
        import onnx
    except ImportError as e:
        raise ImportError("PyTorch exports with the package onnx: pip install onnx") from e
    # Without it PyTorch 2.9 and later take another exporter, which wants one more package.
    legacy = {"dynamo": False} if "dynamo" in _inspect.signature(torch.onnx.export).parameters else {}
    part = path.with_name(path.name + ".part")
    try:
        with warnings.catch_warnings():
            # That there is a newer exporter, and what tracing takes for constants: the graph is fixed by then.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                (example.detach().cpu().float(),),
                str(part),
                opset_version=OPSET,
                input_names=["input"],
                output_names=["logits"],
                dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
                **legacy,
            )
        onnx.checker.check_model(str(part))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _cap(module: nn.Module) -> float | None:
    """The cap of a ReLU, or None for another module."""
    if isinstance(module, nn.Hardtanh):
        return float(module.max_val) if module.min_val == 0 and module.max_val > 0 else None
    return math.inf if isinstance(module, nn.ReLU) else None


class _Tracer(fx.Tracer):
    """Looks into no module of onnx2torch, whose code depends on values."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m).__module__.startswith("onnx2torch.") or super().is_leaf_module(m, module_qualified_name)


def _traced(model: nn.Module) -> fx.GraphModule:
    """A copy in which every ReLU is a module of its own, also one that is called several times."""
    try:
        tracer = _Tracer()
        graph = tracer.trace(copy.deepcopy(model))
        traced = fx.GraphModule(tracer.root, graph, type(model).__name__)
    except Exception as e:
        raise ValueError(f"torch.fx cannot trace the network: {e}") from e
    modules, graph = dict(traced.named_modules()), traced.graph
    order = {node: i for i, node in enumerate(graph.nodes)}
    for node in list(graph.nodes):
        cap, in_place = None, False
        if node.op == "call_module":
            cap, in_place = _cap(modules[node.target]), getattr(modules[node.target], "inplace", False)
        elif node.op == "call_function":
            cap = _FUNCTIONS.get(node.target)
            in_place = node.target in (F.relu_, torch.relu_) or bool(node.kwargs.get("inplace", node.args[1:] and node.args[1]))
        elif node.op == "call_method":
            cap, in_place = _METHODS.get(str(node.target)), node.target == "relu_"
        if cap is None:
            continue
        operand = node.args[0] if node.args else node.kwargs["input"]
        name = f"{_NAME}{sum(n.startswith(_NAME) for n, _ in traced.named_children())}"
        traced.add_module(name, MaskedReLU(cap))
        with graph.inserting_after(node):
            gate = graph.call_module(name, (operand,))
        node.replace_all_uses_with(gate)
        if in_place:
            # Who reads the operand later reads what became of it.
            operand.replace_all_uses_with(gate, delete_user_cb=lambda user, at=order[node]: order.get(user, -1) > at)
        graph.erase_node(node)
    graph.lint()
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def _name(traced: fx.GraphModule, example: torch.Tensor) -> dict[str, tuple[MaskedReLU, list[int]]]:
    """Gives the gates the names of their layers, and moves those behind max pools that relinc counts there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        _onnx(_plain(traced), path, example)
        _label(path)
        found = commands.inspect(path, progress=False).layers
    shapes, out = _shapes(traced, example), {}
    for layer in found:
        at = re.search(rf"{_NAME}\d+", layer["source"] or "")
        if at is None:
            raise ValueError(f"{layer['name']} is made of '{layer['source']}', which is no ReLU that can be masked here; {__name__} lists those that can")
        gate = traced.get_submodule(at[0])
        assert isinstance(gate, MaskedReLU)
        if math.prod(layer["shape"]) != math.prod(shapes[at[0]]):
            _behind_pools(traced, at[0], layer, shapes)
        gate.layer, gate.shape = layer["name"], tuple(layer["shape"])
        out[layer["name"]] = gate, layer["shape"]
    traced.graph.lint()
    traced.recompile()
    return out


def _label(path: Path) -> None:
    """Names what gates, and max pools that read them, return after the gates."""
    import onnx

    model = onnx.load(path)
    names: dict[str, str] = {}
    for i, node in enumerate(model.graph.node):
        node.input[:] = [names.get(name, name) for name in node.input]
        if node.op_type in ("Relu", "Clip"):
            at = re.search(rf"{_NAME}\d+", node.name)
        else:
            at = re.match(rf"{_NAME}\d+", node.input[0]) if node.op_type == "MaxPool" else None
        if at is not None:
            names[node.output[0]] = f"{at[0]}_{i}"
            node.output[0] = names[node.output[0]]
    for output in model.graph.output:
        output.name = names.get(output.name, output.name)
    onnx.save(model, path)


def _shapes(traced: fx.GraphModule, example: torch.Tensor) -> dict[str, list[int]]:
    """What every module returns for one image."""
    out: dict[str, list[int]] = {}
    model = _plain(traced)

    def keep(name: str) -> Any:
        return lambda _, __, y: out.update({name: list(y.shape[1:])}) if isinstance(y, torch.Tensor) else None

    for name, module in model.named_modules():
        if name:
            module.register_forward_hook(keep(name))
    with torch.no_grad():
        model(example.detach().cpu().float())
    return out


def _behind_pools(traced: fx.GraphModule, name: str, layer: dict[str, Any], shapes: dict[str, list[int]]) -> None:
    """A ReLU before a max pool computes the same behind it, where it has fewer elements, and there relinc counts it."""
    node = next(n for n in traced.graph.nodes if n.op == "call_module" and n.target == name)
    last, modules = node, dict(traced.named_modules())
    while len(last.users) == 1 and list(shapes.get(str(last.target), [])) != layer["shape"]:
        reader = next(iter(last.users))
        if not (reader.op == "call_module" and isinstance(modules[str(reader.target)], nn.MaxPool2d)):
            break
        last = reader
    if list(shapes.get(str(last.target), [])) != layer["shape"]:
        raise ValueError(f"{layer['name']} has the shape {layer['shape']} and its module returns {shapes[name]}: what lies between is no nn.MaxPool2d")
    node.replace_all_uses_with(node.args[0])
    with traced.graph.inserting_after(last):
        moved = traced.graph.call_module(name, (last,))
    last.replace_all_uses_with(moved, delete_user_cb=lambda user: user is not moved)
    traced.graph.erase_node(node)


def _example(path: str | os.PathLike[str]) -> torch.Tensor:
    """Zeros of the form of an ONNX file's input."""
    types = [i["type"] for i in commands.inspect(path, progress=False)["inputs"]]
    return torch.zeros([int(d) if d.isdigit() else 1 for d in re.findall(r"\w+", types[0].partition("[")[2])])


def _read(path: str | os.PathLike[str]) -> nn.Module:
    """An ONNX file as a module."""
    try:
        import onnx2torch
    except ImportError as e:
        raise ImportError(f"{path}: ONNX files are read by the package onnx2torch, which is not installed; or give the nn.Module itself") from e
    try:
        return onnx2torch.convert(os.fspath(path))
    except NotImplementedError as e:
        raise ValueError(f"{path}: onnx2torch cannot read it: {e}; give the nn.Module itself") from e
