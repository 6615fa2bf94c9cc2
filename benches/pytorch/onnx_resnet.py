"""Loads an ONNX classifier as a trainable torch module whose ReLUs carry masks.

The graph is interpreted node by node. Weights become parameters under their initializer names, shape subgraphs are
evaluated once for each input shape, and every ReLU layer (`relu00`, `relu01`, … by depth) computes
`y = m·relu(x) + (1 − m)·x`, with one mask for all samples (SENet, arXiv 2301.09254).
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx.reference import ReferenceEvaluator

import onnx_ops

# Operands whose float constants are trained.
TRAINED = {"Conv": (1, 2), "Gemm": (1, 2), "MatMul": (0, 1), "Add": (0, 1), "BatchNormalization": (1, 2)}
# Operations whose presence does not depend on the exporter: depth counts these.
COUNTED = {"Conv", "Gemm", "MatMul", "Relu", "MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "Concat"}


@dataclass
class Node:
    """One ONNX node with its attributes as Python values."""

    op: str
    inputs: list
    output: str
    attrs: dict
    opset: int
    layer: str = ""

    def fold(self, operands):
        """Its value from numpy operands, by ONNX's own reference."""
        names = [f"i{i}" for i in range(len(operands))]
        attrs = {k: v for k, v in self.attrs.items() if v is not None}
        given_names = [n if o is not None else "" for n, o in zip(names, operands)]
        node = onnx.helper.make_node(self.op, given_names, ["o"], **attrs)
        given = {n: o for n, o in zip(names, operands) if o is not None}
        infos = [
            onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(np.asarray(o).dtype), None)
            for n, o in given.items()
        ]
        out = onnx.helper.make_empty_tensor_value_info("o")
        graph = onnx.helper.make_graph([node], "one", infos, [out])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", self.opset)])
        return np.asarray(ReferenceEvaluator(model).run(None, given)[0])


def nodes_of(model):
    """The nodes in file order, without Constants and Identities, and the constants by name."""
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    alias, nodes = {}, []
    for n in model.graph.node:
        attrs = {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute}
        inputs = [alias.get(i, i) for i in n.input]
        if n.op_type == "Constant":
            value = attrs.get("value")
            array = onnx.numpy_helper.to_array(value) if value is not None else np.asarray(next(iter(attrs.values())))
            constants[n.output[0]] = array
        elif n.op_type in ("Identity", "Dropout"):
            alias[n.output[0]] = inputs[0]
        else:
            nodes.append(Node(n.op_type, inputs, n.output[0], attrs, opset))
    return nodes, constants, alias


class OnnxNet(nn.Module):
    """`net(x)` gives N×classes logits of N×3×H×W normalised images; a softmax at the end of the file is left out."""

    def __init__(self, path):
        super().__init__()
        with open(path, "rb") as f:
            data = f.read()
        self.sha256 = hashlib.sha256(data).hexdigest()
        model = onnx.load_from_string(data)
        nodes, constants, alias = nodes_of(model)
        entry = next(i for i in model.graph.input if i.name not in constants)
        dims = [d.dim_value for d in entry.type.tensor_type.shape.dim]
        self.entry, self.fixed_batch = entry.name, dims[0]
        self.nhwc = dims[-1] == 3 and dims[1] != 3
        self.size = (dims[1], dims[2]) if self.nhwc else (dims[2], dims[3])
        output = alias.get(model.graph.output[0].name, model.graph.output[0].name)
        last = next(n for n in nodes if n.output == output)
        if last.op == "Softmax":
            nodes, output = [n for n in nodes if n is not last], last.inputs[0]
        self.nodes, self.output, self.frozen = nodes, output, False
        self._register(constants)
        self._name_layers()
        self._last_use = {i: k for k, n in enumerate(nodes) for i in n.inputs if i}
        self._known = {}
        self.after_conv = nn.ModuleDict()
        self._bn_of, self._watched = {}, None
        self.masks = {name: None for name in self.layers}
        self._measure_shapes()

    def _register(self, constants):
        """Parameters and running statistics from float constants; everything else stays numpy."""
        self.attribute = {}
        for n in self.nodes:
            for k, i in enumerate(n.inputs):
                if i not in constants or i in self.attribute or constants[i].dtype.kind != "f":
                    continue
                value = torch.from_numpy(np.array(constants[i]))
                name = "p_" + i.replace(".", "_dot_")
                if k in TRAINED.get(n.op, ()) and value.ndim:
                    self.register_parameter(name, nn.Parameter(value))
                elif n.op == "BatchNormalization":
                    self.register_buffer(name, value)
                else:
                    continue
                self.attribute[i] = name
        self.constants = {k: v for k, v in constants.items() if k not in self.attribute}

    def _name_layers(self):
        """Sorts the ReLUs by depth, then by their place in the file, and names them."""
        depth = {self.entry: 0}
        for n in self.nodes:
            above = [depth[i] for i in n.inputs if i in depth]
            if above and n.op != "Shape":
                depth[n.output] = max(above) + (n.op in COUNTED or (n.op == "Add" and len(above) == 2))
        relus = sorted((n for n in self.nodes if n.op == "Relu"), key=lambda n: depth[n.output])
        width = max(2, len(str(max(len(relus) - 1, 0))))
        for i, n in enumerate(relus):
            n.layer = f"relu{i:0{width}}"
        self.layers = [n.layer for n in relus]

    @torch.no_grad()
    def _measure_shapes(self):
        taps = {}
        training, self.training = self.training, False
        self(torch.zeros(1, 3, *self.size), taps)
        self.training = training
        self.shapes = {l: tuple(taps[l][1].shape[1:]) for l in self.layers}

    def mask_shape(self, layer):
        """C×H×W, filled up with ones."""
        return (*self.shapes[layer], 1, 1)[:3]

    @property
    def sizes(self):
        """ReLUs of each layer, in the order of `layers`."""
        return [int(np.prod(self.shapes[l])) for l in self.layers]

    def initializers(self):
        """(ONNX name, parameter) of everything that is trained, inserted BatchNorms not among them."""
        own = dict(self.named_parameters())
        return [(i, own[a]) for i, a in self.attribute.items() if a in own]

    def set_masks(self, masks):
        """`masks`: layer → C×H×W of bool (1 = ReLU, 0 = identity) or of floats (soft); None = ReLU everywhere."""
        for layer in self.layers:
            m = None if masks is None else masks.get(layer)
            if m is not None:
                m = torch.as_tensor(m).reshape(self.shapes[layer])
                m = m.bool() if m.dtype in (torch.uint8, torch.bool) else m
            self.masks[layer] = m

    def activate(self, layer, x):
        """The masked activation; at x = 0 a kept ReLU has gradient 0."""
        m = self.masks[layer]
        if m is None:
            return F.relu(x)
        if m.dtype == torch.bool:
            return torch.where((x <= 0) & m, 0, x)
        return m * F.relu(x) + (1 - m) * x

    def stages(self):
        """The last ReLU layer before each drop of the spatial size and before the head."""
        spatial = [l for l in self.layers if len(self.shapes[l]) == 3]
        size = [self.shapes[l][1:] for l in spatial]
        return [l for l, here, after in zip(spatial, size, size[1:] + [None]) if here != after]

    def forward(self, x, taps=None):
        """`taps`, a dict: is filled with layer → (input, output) of each activation."""
        if self.nhwc:
            x = x.permute(0, 2, 3, 1)
        known = self._known.setdefault(tuple(x.shape), dict(self.constants))
        values = {self.entry: x}
        for k, n in enumerate(self.nodes):
            if n.output in known:
                continue
            args = [self._operand(i, values, known) for i in n.inputs]
            if n.op == "Shape":
                known[n.output] = np.array(args[0].shape)[n.attrs.get("start", 0) : n.attrs.get("end")]
            elif not any(isinstance(a, torch.Tensor) for a in args):
                known[n.output] = n.fold(args)
            else:
                values[n.output] = self._run(n, args, x.shape[0], taps)
            for i in n.inputs:
                if self._last_use.get(i) == k and i != self.output:
                    values.pop(i, None)
        return values[self.output]

    def _operand(self, name, values, known):
        if not name:
            return None
        if name in values:
            return values[name]
        return getattr(self, self.attribute[name]) if name in self.attribute else known[name]

    def _run(self, n, args, batch, taps):
        if n.op == "Relu":
            y = self.activate(n.layer, args[0])
            if taps is not None:
                taps[n.layer] = (args[0], y)
            return y
        if n.op == "BatchNormalization":
            return onnx_ops.batch_norm(n.attrs, args, self.training)
        if n.op == "Reshape":
            return onnx_ops.reshape(n.attrs, args, batch, self.fixed_batch)
        y = onnx_ops.apply(n.op, n.attrs, args)
        if n.output in self._bn_of:
            y = self.after_conv[self._bn_of[n.output]](y)
        if n.op == "Conv" and self._watched is not None:
            self._watched[n.output] = y
        return y

    @torch.no_grad()
    def insert_batchnorm(self, batches, eps=1e-5):
        """A BatchNorm after every convolution, the identity in eval mode: γ = √(var + eps) and β = mean of that
        convolution's outputs over `batches` of normalised images, which also become the running statistics."""
        convs = [n.output for n in self.nodes if n.op == "Conv"]
        totals = {c: 0.0 for c in convs}
        training, self.training = self.training, False
        for x in batches:
            self._watched = {}
            self(x)
            for c in convs:
                y = self._watched[c].double().transpose(0, 1).flatten(1)
                totals[c] += torch.stack([y.sum(1), (y * y).sum(1), torch.full_like(y[:, 0], y.shape[1])])
        self.training, self._watched = training, None
        for i, c in enumerate(convs):
            mean, square = totals[c][:2] / totals[c][2]
            var = (square - mean * mean).clamp(min=0)
            bn = nn.BatchNorm2d(len(mean), eps=eps, momentum=0.1)
            bn.running_mean.copy_(mean)
            bn.running_var.copy_(var)
            bn.weight.copy_((var + eps).sqrt())
            bn.bias.copy_(mean)
            self._bn_of[c] = f"bn{i:02}"
            self.after_conv[f"bn{i:02}"] = bn

    @torch.no_grad()
    def randomise(self):
        """Fresh weights: He (fan-out) for convolutions, He (fan-in) for the head, biases 0, BatchNorm the identity."""
        own = dict(self.named_parameters()) | dict(self.named_buffers())
        for n in self.nodes:
            roles = [own.get(self.attribute.get(i)) for i in n.inputs]
            if n.op in ("Conv", "Gemm", "MatMul"):
                fill = {"mode": "fan_out" if n.op == "Conv" else "fan_in", "nonlinearity": "relu"}
                nn.init.kaiming_normal_(next(r for r in roles if r is not None), **fill)
                if n.op != "MatMul" and roles[2:] and roles[2] is not None:
                    roles[2].zero_()
            elif n.op == "BatchNormalization":
                for tensor, value in zip(roles[1:], (1, 0, 0, 1)):
                    tensor.fill_(value)
            elif n.op == "Add":
                [r.zero_() for r in roles if r is not None]
        for bn in self.after_conv.values():
            bn.reset_parameters()
