"""What a gradient estimator is, and the registry of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from agnsim.errors import InputError
from agnsim.multipliers import Multiplier
from agnsim.nn.gradients.separable import Factored
from agnsim.registry import Registry


@dataclass(frozen=True)
class Slopes:
    """Derivatives of a product by its operands, for every pair of values.

    Attributes:
        on_a: By the activation.
        on_w: By the weight.
    """

    on_a: Factored
    on_w: Factored


class Estimator(Protocol):
    """One way of differentiating a multiplier's table. Frozen: two with equal parameters give equal slopes.

    A table is no smooth function, so that every derivative is an estimate. Where the multiplier is exact, every
    estimator should give the other operand.
    """

    def slopes(self, multiplier: Multiplier) -> Slopes:
        """Return the derivatives; called once per multiplier. `factor` makes them from dense tables."""
        ...


gradients: Registry[Callable[..., Estimator]] = Registry("gradient")
"""All estimators by public name: classes whose parameters are integers with defaults. Add one with `gradients.add`."""

STRAIGHT_THROUGH = "straight_through"
"""Name of the estimator that is used unless another is chosen."""

_SPECIFICATION = re.compile(r"(\w+)(?:\((.*)\))?")
_ARGUMENT = re.compile(r"\s*(\w+)\s*=\s*(-?\d+)\s*")


@cache
def estimator(specification: str) -> Estimator:
    """Return an estimator by name, with parameters where it takes some: `difference` or `difference(half_window=8)`.

    Raises:
        UnknownName: There is no such estimator.
        InputError: It has no such parameter, or does not allow its value.
    """
    found = _SPECIFICATION.fullmatch(specification.strip())
    if found is None:
        raise InputError(f"gradient: {specification!r} is not of the form NAME or NAME(parameter=integer, ...)")
    make = gradients[found[1]]
    known = list(inspect.signature(make).parameters)
    parameters = {}
    for text in found[2].split(",") if found[2] and found[2].strip() else ():
        argument = _ARGUMENT.fullmatch(text)
        if argument is None or argument[1] not in known:
            allowed = ", ".join(f"{name}=integer" for name in known) or "no parameters"
            raise InputError(f"gradient: {specification!r}: {text.strip()!r}: {found[1]} takes {allowed}")
        parameters[argument[1]] = int(argument[2])
    return make(**parameters)
