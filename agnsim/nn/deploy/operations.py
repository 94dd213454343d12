"""What deployment makes of each operation of a traced network.

An operation outside these tables is refused. Those of role `MOVE` give the same values in another order, or some of
them, and therefore run on integers as they are; the others are replaced.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from agnsim.errors import ConversionError
from agnsim.nn.deploy.folding import Affine, batch_norm_affine
from agnsim.nn.deploy.pooling import AdaptiveAveragePool, AveragePool, MaxPool, Mean, NearestUpsample
from agnsim.nn.layers import ApproxLayer

_INFINITY = float("inf")


class Role(Enum):
    """How an operation's values lie on its inputs' grid."""

    INPUT = "input"
    LAYER = "layer"  # sums of products
    AFFINE = "affine"  # another factor and offset for each channel
    CLAMP = "clamp"
    ADD = "add"
    MEAN = "mean"  # rounded means
    MOVE = "move"
    PAD = "pad"
    SKIP = "skip"  # does nothing in evaluation
    NUMBER = "number"  # sizes: no tensor
    OUTPUT = "output"


@dataclass(frozen=True)
class Operation:
    """One node, understood.

    Attributes:
        role: See there.
        step: The module that computes it on integers, where it is neither run as it is nor planned by its role.
        layer: The converted layer.
        affine: Of a batch norm.
        low: Smallest value of a clamp.
        high: Largest value of a clamp.
        pad: Padded positions, as `torch.nn.functional.pad` takes them.
        value: What they hold.
    """

    role: Role
    step: nn.Module | None = None
    layer: ApproxLayer | None = None
    affine: Affine | None = None
    low: float = -_INFINITY
    high: float = _INFINITY
    pad: tuple[int, ...] = ()
    value: float = 0.0


def recognise(node: fx.Node, modules: dict[str, nn.Module], numbers: set[fx.Node]) -> Operation | None:
    """Return what a node is, or `None` where deployment has no integers for it.

    Args:
        node: Of a traced network.
        modules: The network's modules by path.
        numbers: Nodes before this one that are no tensors.

    Raises:
        ConversionError: Its kind is known, but not with these settings.
    """
    if node.op == "placeholder":
        return Operation(Role.INPUT)
    if node.op == "output":
        return Operation(Role.OUTPUT)
    if node.op == "call_module":
        return _of_module(modules[str(node.target)])
    if node.op not in ("call_function", "call_method"):
        return None
    arguments = [argument for argument in node.all_input_nodes]
    if node.target in _SIZES or (arguments and numbers.issuperset(arguments)):
        return Operation(Role.NUMBER)
    if node.target is getattr:
        return Operation(Role.NUMBER) if node.args[1] in ("shape", "ndim") else None
    made = _CALLS.get(node.target)
    operation = None if made is None else made(_Call(node))
    if operation is not None and operation.role is Role.ADD and not numbers.isdisjoint(arguments):
        return None  # a size is a number, no fixed-point integer
    return operation


def _of_module(module: nn.Module) -> Operation | None:
    if isinstance(module, ApproxLayer):
        return Operation(Role.LAYER, layer=module)
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return Operation(Role.AFFINE, affine=batch_norm_affine(module))
    made = _MODULES.get(type(module))
    return None if made is None else made(module)


@dataclass
class _Call:
    """A function's or method's arguments, wherever they were written."""

    node: fx.Node
    defaults: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, place: tuple[int, str, Any]) -> Any:
        """Return the argument at a position or of a name, or its default."""
        position, name, default = place
        if len(self.node.args) > position:
            return self.node.args[position]
        return self.node.kwargs.get(name, default)


Made = Callable[[Any], Operation | None]


def _with_numbers(made: Made) -> Made:
    """Refuse arguments that the network itself computes, such as `y.size(3)` as the kernel of a pooling."""

    def make(call: _Call) -> Operation | None:
        computed: list[fx.Node] = []
        named = {name: value for name, value in call.node.kwargs.items() if name != "input"}
        fx.map_arg((call.node.args[1:], named), computed.append)
        if computed:
            raise ConversionError(
                f"its settings are computed from a tensor's size (node {computed[0].name!r}); write them as numbers, "
                "or pool all rows and columns with nn.AdaptiveAvgPool2d(1)."
            )
        return made(call)

    return make


def _move(_: object) -> Operation:
    return Operation(Role.MOVE)


def _skip(_: object) -> Operation:
    return Operation(Role.SKIP)


def _dropout_call(call: _Call) -> Operation | None:
    return None if call[2, "training", True] else Operation(Role.SKIP)


def _bounds(low: float | None, high: float | None) -> Operation:
    return Operation(Role.CLAMP, low=-_INFINITY if low is None else low, high=_INFINITY if high is None else high)


def _clamp_call(call: _Call) -> Operation | None:
    low, high = call[1, "min", None], call[2, "max", None]
    return None if isinstance(low, fx.Node) or isinstance(high, fx.Node) else _bounds(low, high)


def _add_call(call: _Call) -> Operation | None:
    operands = call[0, "input", None], call[1, "other", None]
    if call[2, "alpha", 1] != 1 or not all(isinstance(operand, fx.Node) for operand in operands):
        return None
    return Operation(Role.ADD)


def _pad_call(call: _Call) -> Operation | None:
    if call[2, "mode", "constant"] != "constant" or not isinstance(call[1, "pad", None], list | tuple):
        return None
    return Operation(Role.PAD, pad=tuple(call[1, "pad", ()]), value=float(call[3, "value", None] or 0.0))


def _max_pool(
    kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, indices: bool
) -> Operation | None:
    if indices:
        return None
    return Operation(
        Role.MOVE, step=MaxPool(kernel, kernel if stride is None else stride, padding, dilation, ceil_mode)
    )


def _average_pool(
    kernel: Any, stride: Any, padding: Any, ceil_mode: bool, count_include_pad: bool, divisor: int | None
) -> Operation:
    stride = stride or kernel
    return Operation(Role.MEAN, step=AveragePool(kernel, stride, padding, ceil_mode, count_include_pad, divisor))


def _upsample(size: Any, scale_factor: Any, mode: str) -> Operation | None:
    return Operation(Role.MOVE, step=NearestUpsample(size, scale_factor)) if mode == "nearest" else None


def _mean_call(call: _Call) -> Operation | None:
    dims = call[1, "dim", None]
    dims = (dims,) if isinstance(dims, int) else dims
    if dims is None or call.node.kwargs.get("dtype") is not None:
        return None
    return Operation(Role.MEAN, step=Mean(tuple(dims), bool(call[2, "keepdim", False])))


def _average_pool_call(call: _Call) -> Operation:
    return _average_pool(
        call[1, "kernel_size", None],
        call[2, "stride", None],
        call[3, "padding", 0],
        call[4, "ceil_mode", False],
        call[5, "count_include_pad", True],
        call[6, "divisor_override", None],
    )


def _max_pool_call(call: _Call) -> Operation | None:
    return _max_pool(
        call[1, "kernel_size", None],
        call[2, "stride", None],
        call[3, "padding", 0],
        call[4, "dilation", 1],
        call[5, "ceil_mode", False],
        call[6, "return_indices", False],
    )


def _soft(_: object) -> Operation:
    raise ConversionError(
        "softmax is no integer operation; end the network with the logits: their order, and so the class, is the same."
    )


_MODULES: dict[type[nn.Module], Made] = {
    **dict.fromkeys((nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout), _skip),
    **dict.fromkeys((nn.Flatten, nn.Unflatten, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle), _move),
    **dict.fromkeys((nn.Softmax, nn.LogSoftmax), _soft),
    nn.ReLU: lambda m: _bounds(0.0, None),
    nn.ReLU6: lambda m: _bounds(0.0, 6.0),
    nn.Hardtanh: lambda m: _bounds(m.min_val, m.max_val),
    nn.MaxPool2d: lambda m: _max_pool(m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices),
    nn.AvgPool2d: lambda m: _average_pool(
        m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad, m.divisor_override
    ),
    nn.AdaptiveAvgPool2d: lambda m: Operation(Role.MEAN, step=AdaptiveAveragePool(m.output_size)),
    nn.ZeroPad2d: lambda m: Operation(Role.PAD, pad=tuple(m.padding)),
    nn.ConstantPad2d: lambda m: Operation(Role.PAD, pad=tuple(m.padding), value=float(m.value)),
    nn.Upsample: lambda m: _upsample(m.size, m.scale_factor, m.mode),
    nn.UpsamplingNearest2d: lambda m: _upsample(m.size, m.scale_factor, m.mode),
}

_SIZES: set[Any] = {"size", "dim", "numel", "__len__", len}

_CALLS: dict[Any, Made] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_, "relu", "relu_"), lambda c: _bounds(0.0, None)),
    F.relu6: lambda c: _bounds(0.0, 6.0),
    F.hardtanh: lambda c: _bounds(c[1, "min_val", -1.0], c[2, "max_val", 1.0]),
    **dict.fromkeys((torch.clamp, torch.clip, "clamp", "clamp_", "clip", "clip_"), _clamp_call),
    **dict.fromkeys((operator.add, operator.iadd, torch.add, "add", "add_"), _add_call),
    **dict.fromkeys((torch.cat, torch.concat), _move),
    F.pad: _with_numbers(_pad_call),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), _with_numbers(_max_pool_call)),
    F.avg_pool2d: _with_numbers(_average_pool_call),
    F.adaptive_avg_pool2d: _with_numbers(
        lambda c: Operation(Role.MEAN, step=AdaptiveAveragePool(c[1, "output_size", None]))
    ),
    **dict.fromkeys((torch.mean, "mean"), _mean_call),
    F.interpolate: _with_numbers(
        lambda c: _upsample(c[1, "size", None], c[2, "scale_factor", None], c[3, "mode", "nearest"])
    ),
    **dict.fromkeys(("clone", "detach"), _skip),
    **dict.fromkeys((F.dropout, F.dropout1d, F.dropout2d, F.dropout3d), _dropout_call),
    **dict.fromkeys((F.softmax, F.log_softmax, torch.softmax, torch.log_softmax, "softmax", "log_softmax"), _soft),
    **dict.fromkeys(
        (
            operator.getitem,
            torch.flatten,
            torch.reshape,
            torch.permute,
            torch.transpose,
            torch.squeeze,
            torch.unsqueeze,
            torch.chunk,
            torch.split,
            "flatten",
            "view",
            "reshape",
            "permute",
            "transpose",
            "squeeze",
            "unsqueeze",
            "chunk",
            "split",
            "contiguous",
        ),
        _move,
    ),
}
