"""Ways to a network, as figures, legends and tables tell them apart: symbol first, colour second."""

from __future__ import annotations

from dataclasses import dataclass

from agnsim.report.figure import INK, KIND_COLOUR
from agnsim.report.record import Trial


@dataclass(frozen=True)
class Method:
    """One way to a network.

    Attributes:
        name: In legends and tables.
        colour: Of its points and lines.
        symbol: Plotly's; hollow where the network was not retrained.
        size: Of the symbol, in pixels.
    """

    name: str
    colour: str
    symbol: str
    size: int = 9


# No two symbols are alike. The colours differ by at least 18 CIELAB units for normal sight, protanopia, deuteranopia
# and tritanopia (Machado et al., IEEE TVCG 2009, severity 1), and from the grey of dominated networks too.
EXACT_8 = Method("exact 8-bit", INK, "square", 10)
NARROW = Method("narrow exact", INK, "diamond")
NARROW_PER_LAYER = Method("narrow exact, per layer", INK, "diamond-tall", 13)
UNIFORM = Method("uniform", KIND_COLOUR["uniform"], "circle")
PER_LAYER = Method("heterogeneous", KIND_COLOUR["heterogeneous"], "star-square", 11)
FLOAT = Method("float", KIND_COLOUR["float"], "line-ew")
_BY_METHOD = {
    "noise search": Method("noise search", KIND_COLOUR["heterogeneous"], "star", 13),
    "noise search, global": Method("noise search, global", "#4d00b4", "hexagram", 12),
    "sensitivity": Method("sensitivity", "#6f1a18", "triangle-up", 10),
    "nsga2": Method("NSGA-II", "#499378", "triangle-down", 10),
    "random": Method("random", "#926443", "x", 9),
}
_BY_KIND = {
    "float": FLOAT,
    "quantized": EXACT_8,
    "uniform": UNIFORM,
    "heterogeneous": PER_LAYER,
    "pruned": Method("pruned", KIND_COLOUR["pruned"], "pentagon", 10),
    "pruned_heterogeneous": Method("pruned, heterogeneous", KIND_COLOUR["pruned_heterogeneous"], "hourglass", 10),
}
METHODS = (
    EXACT_8,
    NARROW,
    NARROW_PER_LAYER,
    UNIFORM,
    PER_LAYER,
    *_BY_METHOD.values(),
    _BY_KIND["pruned"],
    _BY_KIND["pruned_heterogeneous"],
)
"""In the order of legends."""


def method_of(trial: Trial) -> Method:
    """Return how a trial's network was found."""
    if trial.kind == "narrow":
        return NARROW_PER_LAYER if trial.layers else NARROW
    if trial.kind == "heterogeneous":
        return _BY_METHOD.get(trial.method or "", PER_LAYER)
    return _BY_KIND[trial.kind]
