"""Small networks, and an evaluator of a deployed network's description in Python's integers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from agnsim.nn import convert
from agnsim.quantization import Quantization


class Residual(nn.Module):
    """A convolution, a residual block with padded channels, pooling, a linear layer; input [N, 3, 8, 8]."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.conv3 = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(24, 5)

    def forward(self, x):
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x)) + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 1))
        return self.linear(self.flatten(self.pool(F.relu6(self.conv3(F.relu(x))))))


def with_statistics(model, shape=(3, 8, 8)):
    """Return the network in evaluation mode, its batch norms with statistics and weights of both signs."""
    model.train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                module.momentum = None
                module.weight.uniform_(-1.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
        for _ in range(3):
            model(torch.randn(16, *shape))
    return model.eval()


@pytest.fixture
def residual(rng):
    return with_statistics(Residual())


@pytest.fixture
def quantized(residual, images):
    """The residual network in 8-bit integers, exact products."""
    return convert(residual, quantization=Quantization(), calibration=[images])


@pytest.fixture
def in_python():
    """Return the evaluator of descriptions."""
    return _evaluate


def _evaluate(deployed, x):
    """Return the logits of `deployed`, computed from its description, state and the circuits' tables alone."""
    tables = {layer.multiplier.digest: layer.multiplier.table for layer in deployed.layers}
    state = {name: tensor.numpy() for name, tensor in deployed.state_dict().items()}
    values = {}
    for step in deployed.describe()["steps"]:
        name, kind = step["name"], step["kind"]
        inputs = [values[n] for n in step["inputs"]]
        if kind == "placeholder":
            values[name] = x.numpy()
        elif kind == "quantize":
            codes = np.rint(inputs[0] / np.float32(step["scale"])).astype(np.int64) + step["zero_point"]
            values[name] = np.clip(codes, step["low"], step["high"])
        elif kind in ("convolution", "linear", "rescaling"):
            prefix = f"steps.{step['module']}."
            sums, constants = inputs[0], prefix
            if kind != "rescaling":
                sums = _sums(step, inputs[0], state[prefix + "weight"], state[prefix + "zero_point"], tables)
                constants = prefix + "rescaling."
            values[name] = _rescale(sums, *(state[constants + n] for n in ("multiplier", "addend", "shift")), step)
        elif kind == "clamp":
            values[name] = np.clip(inputs[0], step["low"], step["high"])
        elif kind == "logits":
            values[name] = inputs[0].astype(np.float32) * np.float32(step["scale"])
        elif kind == "output":
            return torch.from_numpy(inputs[0])
        elif step.get("call") == "add":
            values[name] = inputs[0] + inputs[1]
        elif step.get("call") == "getitem":
            values[name] = inputs[0][:, :, ::2, ::2]
        elif step.get("call") == "pad":
            values[name] = np.pad(inputs[0], ((0, 0), (1, 1), (0, 0), (0, 0)))
        elif kind.startswith("AdaptiveAveragePool"):
            n, c, h, w = inputs[0].shape
            total = inputs[0].reshape(n, c, 2, h // 2, 2, w // 2).sum((3, 5))
            count = h * w // 4
            values[name] = (2 * total + count) // (2 * count)
        elif kind.startswith("Flatten"):
            values[name] = inputs[0].reshape(len(inputs[0]), -1)
        else:
            raise AssertionError(step)
    raise AssertionError("no output")


def _sums(step, x, weight, zero_point, tables):
    """Return, int64, the accumulators less what the weights' zero points add."""
    table = tables[step["multiplier_digest"]]
    if step["kind"] == "linear":
        x, weight = x[:, :, None, None], weight[:, :, None, None]
    stride, padding, groups = (step.get(key, d) for key, d in (("stride", [1, 1]), ("padding", [0, 0]), ("groups", 1)))
    edges = ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2)
    x = np.pad(x.astype(np.int64), edges, constant_values=step["pad_value"])
    out, per_group, height, width = weight.shape
    rows, columns = ((x.shape[d + 2] - weight.shape[d + 2]) // stride[d] + 1 for d in (0, 1))
    result = np.zeros((len(x), out, rows, columns), np.int64)
    low, high = -(1 << (step["accumulator_bits"] - 1)), (1 << (step["accumulator_bits"] - 1)) - 1
    for o, i, j in np.ndindex(out, rows, columns):
        first = o // (out // groups) * per_group
        field = x[:, first : first + per_group, i * stride[0] :, j * stride[1] :][:, :, :height, :width]
        weights = weight[o].astype(np.int64)
        products = table[field & (table.shape[0] - 1), weights & (table.shape[1] - 1)].reshape(len(x), -1)
        total = np.zeros(len(x), np.int64)
        for k in range(products.shape[1]):
            total += products[:, k]
            if step["overflow"] == "saturate":
                total = np.clip(total, low, high)
        if step["overflow"] == "wrap":
            total = (total - low) % (high - low + 1) + low
        result[:, o, i, j] = total - zero_point[o] * (field - step["pad_value"]).reshape(len(x), -1).sum(1)
    return result[:, :, 0, 0] if step["kind"] == "linear" else result


def _rescale(sums, multiplier, addend, shift, step):
    result = np.zeros(sums.shape, np.int64)
    for index in np.ndindex(*sums.shape):
        channel = 0 if len(multiplier) == 1 else index[1]
        value = (int(sums[index]) * int(multiplier[channel]) + int(addend[channel])) >> int(shift[channel])
        result[index] = min(max(value, step["low"]), step["high"])
    return result
