"""resnet_2b of VNN-COMP 2021 in PyTorch, from its .onnx file."""

import onnx
import torch
from onnx import numpy_helper


class Block(torch.nn.Module):
    def __init__(self, w, name, stride, shortcut):
        super().__init__()
        self.conv1, self.conv2 = conv(w, f"{name}.conv1", stride, 1), conv(w, f"{name}.conv2", 1, 1)
        self.shortcut = conv(w, f"{name}.shortcut.0", stride, 0) if shortcut else torch.nn.Sequential()

    def forward(self, x):
        y = self.conv2(torch.relu(self.conv1(x)))
        return torch.relu(y + self.shortcut(x))


class Net(torch.nn.Module):
    def __init__(self, path):
        super().__init__()
        w = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in onnx.load(path).graph.initializer}
        self.conv1 = conv(w, "conv1", 2, 1)
        self.a, self.b = Block(w, "layer1.0", 2, True), Block(w, "layer1.1", 1, False)
        self.linear1, self.linear2 = linear(w, "linear1"), linear(w, "linear2")

    def forward(self, x):
        x = self.b(self.a(torch.relu(self.conv1(x))))
        return self.linear2(torch.relu(self.linear1(torch.flatten(x, 1))))


def conv(w, name, stride, pad):
    k = w[f"{name}.weight"]
    layer = torch.nn.Conv2d(k.shape[1], k.shape[0], k.shape[2], stride, pad)
    layer.weight.data, layer.bias.data = k, w[f"{name}.bias"]
    return layer


def linear(w, name):
    k = w[f"{name}.weight"]
    layer = torch.nn.Linear(k.shape[1], k.shape[0])
    layer.weight.data, layer.bias.data = k, w[f"{name}.bias"]
    return layer
