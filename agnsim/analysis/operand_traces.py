"""Traces what the layers of a network multiply: every operand pair as a count, and short sequences of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agnsim.errors import InputError
from agnsim.multipliers.operands.operand_trace import LayerTrace, OperandTrace
from agnsim.nn import approx_layers, sample_operands
from agnsim.nn.arithmetic import Arithmetic, MultiplyingLayer
from agnsim.nn.layers import ApproxLayer
from agnsim.nn.modes import device_of, evaluating, inputs_of
from agnsim.nn.operands import layer_generator
from agnsim.types import LayerOperands

HOLD = 64
"""Most activations that pass by a held weight; a layer with fewer output positions holds it for fewer."""
_CHUNK_ELEMENTS = 1 << 22


def trace_operands(
    model: nn.Module,
    batches: Sequence[Tensor],
    *,
    length: int = 16384,
    rows: int = 512,
    seed: int = 0,
    source: str = "a network",
) -> OperandTrace:
    """Return the operands of every converted layer while the network computes with the arithmetic that it has.

    Every multiplication of every image is counted. The sequence of a layer is made of `length / hold` stretches: a
    weight and a starting position are drawn at random, and the activations that this weight meets at that and the
    following positions are taken in their order. Memory does not grow with the number of batches.

    Args:
        model: A converted network; afterwards as before.
        batches: Inputs; they are gone through twice.
        length: Operand pairs in each layer's sequence, a multiple of 64.
        rows: Receptive fields per layer for the error model, as for `agnsim.nn.sample_operands`.
        seed: Same seed, model and data: same trace.
        source: What is traced, in words.

    Raises:
        InputError: `length` is no positive multiple of 64, or `rows` is not positive.
        ConversionError: The model has no converted layer, or one is never executed.
        DataError: There is no data, or it is not finite.
    """
    if length < 64 or length % 64:
        raise InputError(f"length: {length} operand pairs; it must be a multiple of 64, such as 16384")
    samples = sample_operands(model, batches, rows=rows, seed=seed, exact=False)
    layers = approx_layers(model)
    tracers = {name: _Tracer(layer, length, layer_generator(seed, name)) for name, layer in layers.items()}
    images = 0
    with evaluating(model, tracers):
        for x in inputs_of(batches, device_of(model), purpose="operand traces"):
            images += len(x)
            model(x)
    return OperandTrace.of(source, images, [tracers[name].trace(layers[name], samples[name]) for name in layers])


class _Tracer(Arithmetic):
    """Counts and keeps the operands of a layer, whose own arithmetic goes on computing."""

    kind = "traced"

    def __init__(self, layer: ApproxLayer, length: int, generator: np.random.Generator) -> None:
        super().__init__()
        self._own = layer.arithmetic
        self._length = length
        self._generator = generator
        self._histogram = np.zeros([1 << bits for bits in _bits(layer)], np.int64)
        self._hold = 0
        # Of the candidates that every visit offers, those with the smallest keys are kept.
        self._keys = np.zeros(0)
        self._a = np.zeros((0, 0), np.int32)
        self._w = np.zeros(0, np.int32)

    def product(self, layer: MultiplyingLayer, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """See the base."""
        quantizer = layer.activation_quantizer
        codes = quantizer.codes(x, dtype=quantizer.code_dtype)
        visit = _Visit(layer, codes, layer.weight_quantizer.codes(layer.weight).flatten(1).cpu().numpy())
        if visit.positions:
            self._histogram += visit.histogram()
            self._stretches(visit)
        return self._own.product(layer, x, shift)

    def shift(self, layer: MultiplyingLayer) -> Tensor | None:
        """See the base."""
        return self._own.shift(layer)

    def _stretches(self, visit: _Visit) -> None:
        """Draw stretches so that every position of every visit is as likely to begin one."""
        if not self._hold:
            self._hold = min(HOLD, 1 << (visit.positions.bit_length() - 1))
            self._a = np.zeros((0, self._hold), np.int32)
        starts = visit.positions - self._hold + 1
        if starts < 1:
            return
        wanted = self._length // self._hold
        # The smallest of exponential variables of rates r comes from one of them with probability r / sum.
        keys = self._generator.exponential(size=wanted) / starts
        start = self._generator.integers(starts, size=wanted)
        channel = self._generator.integers(len(visit.weights), size=wanted)
        tap = self._generator.integers(visit.weights.shape[1], size=wanted)
        both = np.concatenate([self._keys, keys])
        chosen = np.argsort(both, kind="stable")[:wanted]
        new = chosen[chosen >= len(self._keys)] - len(self._keys)
        activations = np.concatenate([self._a, np.zeros((wanted, self._hold), np.int32)])
        activations[len(self._keys) + new] = visit.stretches(start[new], channel[new], tap[new], self._hold)
        self._w = np.concatenate([self._w, visit.weights[channel, tap]])[chosen]
        self._a, self._keys = activations[chosen], both[chosen]

    def trace(self, layer: ApproxLayer, sample: LayerOperands) -> LayerTrace:
        """Return what was traced."""
        a, w = layer.activation_quantizer, layer.weight_quantizer
        bits_a, bits_w = _bits(layer)
        return LayerTrace(
            layer=sample.layer,
            bits_a=bits_a,
            bits_w=bits_w,
            signed_a=a.spec.signed,
            signed_w=w.spec.signed,
            range_a=(a.qmin, a.qmax),
            range_w=(w.qmin, w.qmax),
            histogram=self._histogram,
            a=self._a.reshape(-1),
            w=np.repeat(self._w, self._hold),
            hold=self._hold,
            sample=sample,
        )


class _Visit:
    """One execution of a layer."""

    def __init__(self, layer: MultiplyingLayer, codes: Tensor, weights: NDArray[np.int32]) -> None:
        self._layer = layer
        self._codes = codes
        self.weights = weights
        self._groups = layer.operation.groups
        self._all = layer.operation.positions(codes, layer.weight)
        self.positions = self._all // self._groups
        # Fields are numbered by image, group and place; images of one place (linear layers) have one group.
        self._places = max(1, self.positions // max(1, codes.shape[0]))

    def histogram(self) -> NDArray[np.int64]:
        """Count every pair of codes that is multiplied, by bit patterns.

        At every tap of a kernel each activation of the tap meets each weight of the tap: the joint histogram is a sum
        of products of histograms, which stay below 2**53.
        """
        groups, fan_in = self._groups, self.weights.shape[1]
        bits_a, bits_w = _bits(self._layer)
        counts_a = np.zeros((groups * fan_in, 1 << bits_a))
        taps = torch.arange(fan_in, device=self._codes.device)
        for index in self._chunks(fan_in):
            fields, group = self._fields(index)
            bins = ((group.unsqueeze(1) * fan_in + taps) << bits_a) + (fields.long() & ((1 << bits_a) - 1))
            counts_a += torch.bincount(bins.flatten(), minlength=counts_a.size).cpu().numpy().reshape(counts_a.shape)
        owner = np.arange(len(self.weights)) // (len(self.weights) // groups)
        bins_w = ((owner[:, None] * fan_in + np.arange(fan_in)) << bits_w) + (self.weights & ((1 << bits_w) - 1))
        counts_w = np.bincount(bins_w.ravel(), minlength=(groups * fan_in) << bits_w).reshape(groups * fan_in, -1)
        joint: NDArray[np.int64] = np.rint(counts_a.T @ counts_w.astype(np.float64)).astype(np.int64)
        return joint

    def stretches(
        self, start: NDArray[np.int64], channel: NDArray[np.int64], tap: NDArray[np.int64], hold: int
    ) -> NDArray[np.int32]:
        """Return the activations that weights meet at consecutive positions, int32 `[S, hold]`.

        Args:
            start: First position of each stretch, `[S]`.
            channel: Output channel of its weight.
            tap: Place of its weight in the kernel.
            hold: Positions.
        """
        position = start[:, None] + np.arange(hold)
        group = channel // (len(self.weights) // self._groups)
        image, place = np.divmod(position, self._places)
        index = ((image * self._groups + group[:, None]) * self._places + place).reshape(-1)
        taps = np.repeat(tap, hold)
        found = np.empty(len(index), np.int32)
        step = max(1, _CHUNK_ELEMENTS // self.weights.shape[1])
        for first in range(0, len(index), step):
            part = slice(first, first + step)
            fields, _ = self._fields(torch.from_numpy(index[part]).to(self._codes.device))
            column = torch.from_numpy(taps[part]).to(fields.device).unsqueeze(1)
            found[part] = fields.gather(1, column).squeeze(1).to(torch.int32).cpu().numpy()
        return found.reshape(len(start), hold)

    def _fields(self, index: Tensor) -> tuple[Tensor, Tensor]:
        zero_point = self._layer.activation_quantizer.zero_points[0]
        return self._layer.operation.receptive_fields(self._codes, self._layer.weight, index, pad_value=zero_point)

    def _chunks(self, fan_in: int) -> Iterator[Tensor]:
        step = max(1, _CHUNK_ELEMENTS // fan_in)
        for first in range(0, self._all, step):
            yield torch.arange(first, min(first + step, self._all), device=self._codes.device)


def _bits(layer: MultiplyingLayer) -> tuple[int, int]:
    return layer.activation_quantizer.spec.bits, layer.weight_quantizer.spec.bits
