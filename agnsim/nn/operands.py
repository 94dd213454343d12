"""A sample of what each layer multiplies, for error models and traces."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from agnsim.errors import ConversionError, InputError
from agnsim.nn.arithmetic import Arithmetic, MultiplyingLayer, Quantized, shifted
from agnsim.nn.layers import ApproxLayer, approx_layers
from agnsim.nn.modes import device_of, evaluating, inputs_of
from agnsim.types import FloatArray, LayerOperands


def sample_operands(
    model: nn.Module, batches: Iterable[Any], *, rows: int = 512, seed: int = 0, exact: bool = True
) -> dict[str, LayerOperands]:
    """Return integer operands of every converted layer, drawn while the network computes.

    Args:
        model: A converted network; afterwards as before.
        batches: Batches of inputs: tensors, or tuples that begin with one.
        rows: Receptive fields to draw per layer, uniformly and without replacement over all images, positions and
            groups of all batches; a layer that has fewer gives all it has.
        seed: Same seed, model and data: same rows.
        exact: Let every layer compute with exact products; else with the arithmetic that it has.

    Raises:
        InputError: `rows` is not positive.
        ConversionError: The model has no converted layer, or one is never executed.
        DataError: There is no data, or it is not finite.
    """
    if rows < 1:
        raise InputError(f"rows: {rows} is not positive")
    layers = approx_layers(model)
    if not layers:
        raise ConversionError("the model has no converted layer; convert it first.")
    recorders = {
        name: _Recorder(rows, layer_generator(seed, name), None if exact else layer.arithmetic)
        for name, layer in layers.items()
    }
    with evaluating(model, recorders):
        for x in inputs_of(batches, device_of(model), purpose="operand samples"):
            model(x)
        return {name: recorder.operands(name, layers[name]) for name, recorder in recorders.items()}


def layer_generator(seed: int, layer: str) -> np.random.Generator:
    """Return the generator of a layer's random numbers, which depend on no other layer."""
    return np.random.default_rng([seed, zlib.crc32(layer.encode())])


class _Recorder(Quantized):
    """Keeps a uniform sample of the receptive fields and moments of the accurate output."""

    def __init__(self, rows: int, generator: np.random.Generator, own: Arithmetic | None) -> None:
        super().__init__()
        self._own = own
        self._wanted = rows
        self._generator = generator
        self._keys = np.zeros(0)
        self._fields: Tensor | None = None
        self._groups: Tensor | None = None
        self._count = 0
        self._sum: FloatArray = np.zeros(1)
        self._squares: FloatArray = np.zeros(1)

    def product(self, layer: MultiplyingLayer, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """See the base."""
        y = super().product(layer, x)
        channels = layer.weight.shape[0]
        axis = y.dim() - layer.operation.per_channel(y.new_empty(channels)).dim()
        by_channel = y.double().movedim(axis, 0).reshape(channels, y.numel() // channels)
        self._count += by_channel.shape[1]
        self._sum = self._sum + by_channel.sum(1).cpu().numpy()
        self._squares = self._squares + by_channel.square().sum(1).cpu().numpy()
        self._sample(layer, x)
        return shifted(layer, y, shift) if self._own is None else self._own.product(layer, x, shift)

    def shift(self, layer: MultiplyingLayer) -> Tensor | None:
        """See the base."""
        return super().shift(layer) if self._own is None else self._own.shift(layer)

    def _sample(self, layer: MultiplyingLayer, x: Tensor) -> None:
        """Keep the positions with the smallest of uniform random keys, one per position: a sample of all seen."""
        quantizer = layer.activation_quantizer
        codes = quantizer.codes(x, dtype=quantizer.code_dtype)
        keys = self._generator.random(layer.operation.positions(codes, layer.weight))
        kept = len(self._keys)
        both = np.concatenate([self._keys, keys])
        chosen = np.sort(np.argsort(both, kind="stable")[: self._wanted])
        old, new = chosen[chosen < kept], chosen[chosen >= kept] - kept
        index = torch.from_numpy(new).to(codes.device)
        fields, groups = layer.operation.receptive_fields(
            codes, layer.weight, index, pad_value=quantizer.zero_points[0]
        )
        fields, groups = fields.cpu(), groups.cpu()
        if self._fields is not None and self._groups is not None:
            fields = torch.cat([self._fields[old], fields])
            groups = torch.cat([self._groups[old], groups])
        self._keys, self._fields, self._groups = both[chosen], fields, groups

    def operands(self, name: str, layer: ApproxLayer) -> LayerOperands:
        """Return what was recorded."""
        if self._fields is None or self._groups is None:
            raise ConversionError(f"layer {name!r} is never executed on the data for operand samples.")
        weight, activation = layer.weight_quantizer, layer.activation_quantizer
        scale = (activation.scale.double() * weight.scale.double()).expand(layer.weight.shape[0])
        mean, square = self._sum / max(1, self._count), self._squares / max(1, self._count)
        return LayerOperands(
            layer=name,
            rows=self._fields.to(torch.int32).numpy(),
            row_group=self._groups.to(torch.int64).numpy(),
            weights=weight.codes(layer.weight).flatten(1).cpu().numpy(),
            groups=layer.operation.groups,
            zero_point_a=activation.zero_points[0],
            output_scale=scale.cpu().numpy().copy(),
            output_std=float(max(0.0, square.mean() - mean.mean() ** 2) ** 0.5),
            channel_output_std=np.sqrt(np.maximum(square - mean**2, 0.0)),
        )
