"""A network of `src/problems/network.ts` in PyTorch: its layers from `torch.nn`, its first weights and its batches."""
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from numpy_kit import random_at

DIFFERENT_BATCHES = 4


class Residual(nn.Module):
    def __init__(self, of):
        super().__init__()
        self.body = chain(of["body"])
        self.shortcut = chain(of["shortcut"]) if "shortcut" in of else nn.Identity()

    def forward(self, x):
        return self.shortcut(x) + self.body(x)


class Attention(nn.Module):
    """Heads beside one another; PyTorch chooses the way to compute attention."""

    def __init__(self, of):
        super().__init__()
        self.heads, self.causal = of["heads"], of["causal"]
        features, bias = of["features"], of.get("bias", True)
        self.inputs = nn.Linear(features, 3 * features, bias)
        self.output = nn.Linear(features, features, bias)

    def forward(self, x):
        batch, time, features = x.shape
        parts = self.inputs(x).view(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*parts.unbind(0), is_causal=self.causal)
        return self.output(mixed.transpose(1, 2).reshape(batch, time, features))


class Positions(nn.Module):
    def __init__(self, of):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(of["length"], of["features"]))

    def forward(self, x):
        return x + self.weight


class Recurrent(nn.Module):
    """The outputs at all times, without the last state."""

    def __init__(self, of):
        super().__init__()
        make = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[of["layer"]]
        self.inner = make(of["in"], of["hidden"], batch_first=True)

    def forward(self, x):
        return self.inner(x)[0]


class Compute(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def convolution(of):
    options = {name: of[name] for name in ("stride", "padding", "groups", "bias") if name in of}
    return nn.Conv2d(of["in"], of["out"], of["size"], **options)


LAYERS = {
    "linear": lambda of: nn.Linear(of["in"], of["out"], of.get("bias", True)),
    "conv2d": convolution,
    "relu": lambda of: nn.ReLU(),
    "gelu": lambda of: nn.GELU(),
    "geluTanh": lambda of: nn.GELU("tanh"),
    "tanh": lambda of: nn.Tanh(),
    "sigmoid": lambda of: nn.Sigmoid(),
    "silu": lambda of: nn.SiLU(),
    "batchNorm1d": lambda of: nn.BatchNorm1d(of["channels"]),
    "batchNorm2d": lambda of: nn.BatchNorm2d(of["channels"]),
    "groupNorm": lambda of: nn.GroupNorm(of["groups"], of["channels"]),
    "layerNorm": lambda of: nn.LayerNorm(of["features"]),
    "maxPool2d": lambda of: nn.MaxPool2d(of["size"]),
    "avgPool2d": lambda of: nn.AvgPool2d(of["size"]),
    "spaceMean": lambda of: Compute(lambda x: x.mean((2, 3))),
    "timeMean": lambda of: Compute(lambda x: x.mean(1)),
    "lastTime": lambda of: Compute(lambda x: x[:, -1]),
    "flatten": lambda of: nn.Flatten(),
    "rnn": Recurrent,
    "lstm": Recurrent,
    "gru": Recurrent,
    "embedding": lambda of: nn.Embedding(of["count"], of["features"]),
    "positions": Positions,
    "attention": Attention,
    "residual": Residual,
}


def chain(layers):
    return nn.Sequential(*(LAYERS[of["layer"]](of) for of in layers))


def even(seed, shape, scale):
    numbers = (2 * random_at(seed, math.prod(shape)) - 1) * scale
    return torch.from_numpy(numbers.astype(np.float32).reshape(shape))


def model_of(layers):
    model = chain(layers)
    with torch.no_grad():
        for n, (path, parameter) in enumerate(model.named_parameters()):
            shape = tuple(parameter.shape)
            if "bias" in path.rsplit(".", 1)[-1]:
                parameter.copy_(even(1000 + n, shape, 0.1))
            elif len(shape) == 1:
                parameter.fill_(1)
            else:
                parameter.copy_(even(1000 + n, shape, math.sqrt(3 / math.prod(shape[1:]))))
    return model


def draw(seed, shape, below):
    if below is None:
        return even(seed, shape, math.sqrt(3))
    return torch.from_numpy(np.floor(random_at(seed, math.prod(shape)) * below).astype(np.int64).reshape(shape))


def batches_of(network):
    return [
        (draw(100 + i, network["input"], network.get("tokens")), draw(200 + i, network["target"], network.get("classes")))
        for i in range(DIFFERENT_BATCHES)
    ]


def loss_of(network, outputs, target):
    if network["loss"] == "crossEntropy":
        return functional.cross_entropy(outputs.flatten(0, -2), target.flatten())
    if network["loss"] == "squares":
        return (outputs - target).square().sum()
    return functional.mse_loss(outputs, target)
