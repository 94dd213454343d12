"""What every baseline chooses from: one energy per circuit, one predicted error per layer and circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError
from agnsim.noise.candidates import Candidate
from agnsim.noise.prediction import ErrorPrediction
from agnsim.types import FloatArray

Assignments = NDArray[np.intp]
"""Circuit indices `[..., L]`, one per layer in the table's order."""


@dataclass(frozen=True, eq=False)
class CircuitTable:
    """L layers, C circuits by rising energy; each circuit in the orientation and encoding that errs least in a layer.

    Attributes:
        layers: Names of the layers.
        circuits: Names of the circuits.
        shares: float64 `[L]`, the layers' shares of the operations of the whole network.
        energies: float64 `[C]`, energy over that of the reference circuit.
        errors: float64 `[L, C]`, predicted mean square of the output error over the output's variance; infinite where
            a circuit cannot be used.
        options: `[L, C]`, index of the circuit's candidate among the layer's; -1 where it has none.
    """

    layers: tuple[str, ...]
    circuits: tuple[str, ...]
    shares: FloatArray
    energies: FloatArray
    errors: FloatArray
    options: NDArray[np.intp]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Whether a circuit can be used in a layer, `[L, C]`."""
        return self.options >= 0

    def energy(self, assignments: Assignments) -> FloatArray:
        """Return the multiplication energy `[...]` of assignments `[..., L]`; what has no choice counts as exact."""
        energy: FloatArray = 1.0 - self.shares.sum() + self.energies[assignments] @ self.shares
        return energy

    def error(self, assignments: Assignments) -> FloatArray:
        """Return the predicted error `[...]` of assignments `[..., L]`: the layers' relative error powers, summed.

        The layers' errors are taken as independent, and each as harmful as its share of the output's variance.
        """
        error: FloatArray = self.errors[np.arange(len(self.layers)), assignments].sum(axis=-1)
        return error

    def chosen(self, assignment: Assignments) -> dict[str, int]:
        """Return layer to the index of its candidate, of an assignment `[L]`."""
        return {
            layer: int(self.options[row, circuit])
            for row, (layer, circuit) in enumerate(zip(self.layers, assignment, strict=True))
        }


def circuit_table(
    candidates: Mapping[str, Sequence[Candidate]],
    predictions: Mapping[str, ErrorPrediction],
    shares: Mapping[str, float],
    *,
    means_removed: bool,
) -> CircuitTable:
    """Gather the layers' candidates, circuit by circuit.

    Args:
        candidates: Layer to its candidates.
        predictions: Layer to their errors, in the same order.
        shares: Layer to its share of all operations (`agnsim.noise.search.mac_shares`).
        means_removed: Each channel's mean error will be removed, so that only the spread about it counts.

    Raises:
        InputError: No layers, one without candidates, or they do not align.
    """
    if not candidates:
        raise InputError("circuit_table: there are no layers to choose circuits for; convert the network first")
    ratios: dict[str, float] = {}
    for layer, options in candidates.items():
        if not options or len(options) != len(predictions[layer].std):
            raise InputError(
                f"circuit_table: layer {layer!r} has {len(options)} candidates and {len(predictions[layer].std)} "
                "predicted errors; give at least one, and each its error"
            )
        ratios |= {option.choice.multiplier.name: option.energy_ratio for option in options}
    circuits = sorted(ratios, key=lambda name: (ratios[name], name))
    column = {name: index for index, name in enumerate(circuits)}
    errors = np.full((len(candidates), len(circuits)), np.inf)
    chosen = np.full(errors.shape, -1, dtype=np.intp)
    for row, (layer, options) in enumerate(candidates.items()):
        relative = _relative_power(predictions[layer], means_removed)
        for index, option in enumerate(options):
            at = row, column[option.choice.multiplier.name]
            if chosen[at] < 0 or relative[index] < errors[at]:
                errors[at], chosen[at] = relative[index], index
    return CircuitTable(
        layers=tuple(candidates),
        circuits=tuple(circuits),
        shares=np.array([shares[layer] for layer in candidates]),
        energies=np.array([ratios[name] for name in circuits]),
        errors=errors,
        options=chosen,
    )


def _relative_power(prediction: ErrorPrediction, means_removed: bool) -> FloatArray:
    power = prediction.std_centred**2 if means_removed else prediction.std**2 + prediction.mean**2
    variance = prediction.output_std**2
    # A constant output carries nothing: an error there is as bad as one of the output's own size, and none is none.
    relative: FloatArray = power / variance if variance > 0 else (power > 0).astype(np.float64)
    return relative
