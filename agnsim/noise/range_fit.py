"""Fits the operands' ranges to a circuit: approximate products err least where they spend the port on what matters.

A quantiser's range is chosen for exact products, whose error is a small step, so that it clips next to nothing. An
approximate circuit often errs by an amount that hardly depends on its operands: shrinking the ranges makes every
product larger against that error, at the price of clipping the few largest values. The best compromise is another one
for every circuit and layer, and it often halves the error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agnsim.errors import InputError
from agnsim.multipliers import Choice
from agnsim.multipliers.operands.port_grid import Range
from agnsim.noise.error_model import OutputErrors
from agnsim.noise.operand_fit import UNSTRETCHED, Stretch, fit_operands
from agnsim.types import FloatArray, LayerOperands

STRETCHES = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0)
"""Factors that are tried, in this order, until the error grows."""


_HOPELESS = 9.0
"""An orientation or encoding with so many times the squared error of its circuit's best is not worth fitting."""


def fit_ranges(
    operands: LayerOperands,
    choices: Sequence[Choice],
    *,
    range_a: Range | None = None,
    range_w: Range | None = None,
    means_removed: bool = True,
) -> list[Stretch]:
    """Return for every choice by how much to stretch the grids of activations and weights, so that it errs least.

    Activations first, then weights, then activations again, each until the predicted error grows. An exact circuit
    of the layer's own widths keeps its ranges: it cannot err less.

    Args:
        operands: Sampled operands of the layer.
        choices: Circuits with orientation and encodings.
        range_a: Range of the activation quantiser, as for `predict_errors`.
        range_w: Range of the weight quantiser.
        means_removed: Each channel's mean error will be removed, so that only the spread about it counts.

    Raises:
        InputError: No choices or no operands.
        OperandRangeError: Codes do not fit a port and no quantiser range was stated.
    """
    if not choices:
        raise InputError(f"layer {operands.layer!r}: no circuits to fit the ranges to")
    model = OutputErrors(operands)

    def errors(indices: Sequence[int], stretches: Sequence[Stretch]) -> FloatArray:
        fits = [
            fit_operands(operands, choices[index], range_a=range_a, range_w=range_w, stretch=stretch)
            for index, stretch in zip(indices, stretches, strict=True)
        ]
        mean, variance = model.moments(fits)
        size: FloatArray = (variance if means_removed else variance + mean**2).mean(axis=1)
        return size

    every = list(range(len(choices)))
    best, least = [UNSTRETCHED] * len(choices), errors(every, [UNSTRETCHED] * len(choices))
    of_circuit = [_least_of_its_circuit(index, choices, least) for index in every]
    movable = [index for index in every if 0.0 < least[index] <= _HOPELESS * of_circuit[index]]
    for operand in (0, 1, 0):
        _walk(operand, movable, best, least, errors)
    return best


def _least_of_its_circuit(index: int, choices: Sequence[Choice], least: FloatArray) -> float:
    same = [i for i, choice in enumerate(choices) if choice.multiplier is choices[index].multiplier]
    return float(least[same].min())


def _walk(
    operand: int,
    movable: Sequence[int],
    best: list[Stretch],
    least: FloatArray,
    errors: Callable[[Sequence[int], Sequence[Stretch]], FloatArray],
) -> None:
    """Move one operand's factor of the best stretches up while the error falls; in place."""
    rising = list(movable)
    while True:
        at = {index: STRETCHES.index(best[index][operand]) for index in rising}
        rising = [index for index in rising if at[index] + 1 < len(STRETCHES)]
        if not rising:
            return
        tried = [_replaced(best[index], operand, STRETCHES[at[index] + 1]) for index in rising]
        found = errors(rising, tried)
        gained = []
        for index, stretch, error in zip(rising, tried, found, strict=True):
            if error < least[index]:
                best[index], least[index] = stretch, error
                gained.append(index)
        rising = gained


def _replaced(stretch: Stretch, operand: int, factor: float) -> Stretch:
    return (factor, stretch[1]) if operand == 0 else (stretch[0], factor)
