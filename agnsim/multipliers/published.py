"""Published error figures against the circuit's own: what "verified" means.

A figure is kept as its publisher writes it (`"4.2"`, `"72829.102e2"`, `"68.75 %"`), because its last digit says how
precise it is meant to be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.multiplier import Multiplier

COMPARED = ("mae", "wce", "ep", "mre", "mse")
"""Metrics that are compared. A published `mre` is over the operand pairs whose exact product is not 0, as EvoApproxLib
has it."""

_FIGURE = re.compile(
    r"([+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?)[ \t]*(%?)", re.ASCII
)


class Difference(NamedTuple):
    """A published figure that is not the circuit's.

    Attributes:
        metric: Its name.
        published: The figure as published.
        found: The circuit's, in the same unit.
    """

    metric: str
    published: str
    found: float

    def __str__(self) -> str:
        return f"{self.metric} published {self.published}, found {self.found:.6g}"


def parse_figure(text: str) -> tuple[Decimal, bool] | None:
    """Return the number that a figure states and whether it is in percent; `None` for what is no figure."""
    match = _FIGURE.fullmatch(text.strip())
    return (Decimal(match[1]), bool(match[2])) if match else None


def agrees(found: Decimal, stated: Decimal) -> bool:
    """Tell whether a stated figure is the found one.

    Published figures are cut off or rounded, mostly to two digits: off by less than a unit of the last digit. A plain 0
    is a claim to be exact.
    """
    exponent = stated.as_tuple().exponent
    if not stated and exponent == 0:
        return not found
    return abs(found - stated) < Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)


def differences(multiplier: Multiplier) -> list[Difference]:
    """Return the published figures of a circuit that its own contradict."""
    found_wrong = []
    for metric in COMPARED:
        text = multiplier.published.get(metric)
        figure = None if text is None else parse_figure(text)
        if text is None or figure is None:
            continue
        stated, percent = figure
        value = nonzero_mre(multiplier) if metric == "mre" else getattr(multiplier.metrics, metric)
        found = Decimal(value) * (100 if percent else 1)
        if not agrees(found, stated):
            found_wrong.append(Difference(metric, text, float(found)))
    return found_wrong


def status_of(published: Mapping[str, str], wrong: list[Difference]) -> str:
    """Return `"verified"`, `"differs"`, or `"unpublished"` where no figure can be compared."""
    if wrong:
        return "differs"
    figures = (published.get(metric) for metric in COMPARED)
    return "verified" if any(text is not None and parse_figure(text) for text in figures) else "unpublished"


def nonzero_mre(multiplier: Multiplier) -> float:
    """Return the mean relative error over the operand pairs whose exact product is not 0, a fraction."""
    rows, columns = 1 << multiplier.bits_a, 1 << multiplier.bits_b
    zero_products = rows + columns - 1
    # Over max(1, |exact|) such a pair counts with its absolute error.
    total = multiplier.metrics.mre * (rows * columns) - _error_at_zero(multiplier)
    return total / (rows * columns - zero_products)


def _error_at_zero(multiplier: Multiplier) -> int:
    """Return the sum of absolute errors over the pairs with an operand that is 0."""
    first, second = np.arange(1 << multiplier.bits_a), np.arange(1, 1 << multiplier.bits_b)
    products: list[NDArray[np.integer]]
    if multiplier.has_table:
        products = [multiplier.table[:, 0], multiplier.table[0, 1:]]
    else:
        netlist = multiplier.netlist
        assert netlist is not None  # what has no table has a netlist
        products = [netlist.product(first, np.zeros_like(first)), netlist.product(np.zeros_like(second), second)]
    return sum(int(np.abs(values.astype(np.int64)).sum()) for values in products)
