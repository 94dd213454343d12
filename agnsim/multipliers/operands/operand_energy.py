"""What a circuit costs on the operands that a layer really multiplies: real data about halve the energy.

A circuit with a netlist is driven with the layer's operand sequence, and its settled toggles are set against those of
the uniform stream that costs are stated for: the stated energy, scaled by their ratio, stays in the unit of its flow.
Converters of encodings and the accumulator are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agnsim.errors import InputError, LibraryError
from agnsim.multipliers.cost import energy_ratio
from agnsim.multipliers.encoding import Encoding
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import UNSYNTHESISED, switched_transistors, uniform_operands
from agnsim.multipliers.operands.operand_trace import LayerTrace, OperandTrace
from agnsim.progress import Progress, SilentProgress

OPERANDS, PUBLISHED = "operands", "published"


@dataclass(frozen=True)
class OperandEnergy:
    """Energy of one multiplication by a circuit in a layer.

    Attributes:
        layer: Qualified module name.
        multiplier: Name of the circuit.
        flow: Flow of the figures; `None` where nothing is known.
        encoding_a: How activations reach their port.
        encoding_w: How weights reach theirs.
        energy: Under the layer's operands, in the unit of the flow; `None` where neither netlist nor cost is there.
        ratio: `energy` over that of the exact circuit of the layer's widths, same flow and operands, that needs least;
            where only published costs are there, the ratio of these.
        uniform: Energy as stated, under uniform operands.
        basis: `"operands"`; `"published"` where there is no netlist, and `energy` is the stated one; or `None`.
    """

    layer: str
    multiplier: str
    flow: str | None
    encoding_a: Encoding
    encoding_w: Encoding
    energy: float | None
    ratio: float | None
    uniform: float | None
    basis: str | None


def settled_energy(
    multiplier: Multiplier,
    layer: LayerTrace,
    *,
    swapped: bool = False,
    encoding_a: Encoding | str | None = None,
    encoding_w: Encoding | str | None = None,
) -> float | None:
    """Return the energy of one multiplication under a layer's operands, or `None` for a circuit without a netlist.

    The unit is that of the circuit's cost; without a cost, transistors that switch.

    Args:
        multiplier: A physical circuit, neither swapped nor encoded.
        layer: The operands.
        swapped: Whether activations go to the second port.
        encoding_a: Encoding of the activations, as for `LayerTrace.encodings`.
        encoding_w: Encoding of the weights.

    Raises:
        InputError: The circuit is swapped or encoded, or can't take the operands.
    """
    if multiplier.circuit is not None:
        raise InputError(f"{multiplier!r} is swapped or encoded: pass its `.circuit`, and say how it is used")
    netlist = multiplier.netlist
    if netlist is None:
        return None
    return _Driven(multiplier, netlist).energy(layer, swapped, encoding_a, encoding_w)


def energy_under_operands(
    library: Mapping[str, Multiplier],
    trace: OperandTrace,
    *,
    layers: Iterable[str] | None = None,
    reference: str | None = None,
    progress: Progress | None = None,
) -> list[OperandEnergy]:
    """Return the energy of every circuit in every layer, layer by layer in the library's order.

    Every circuit is used unswapped, in the default encodings of `LayerTrace.encodings`.

    Args:
        library: The circuits.
        trace: The operands.
        layers: Names of the layers; all by default.
        reference: Name of the exact circuit that `ratio` is to; by default, for each layer and flow, the one that
            needs least.
        progress: Where progress is shown; nowhere by default. A layer takes milliseconds for every circuit.

    Raises:
        UnknownName: There is no such layer or reference.
        LibraryError: The reference is not exact.
        InputError: A circuit can't take the operands.
    """
    if reference is not None and not library[reference].is_exact:
        raise LibraryError(f"reference {reference!r} is not exact; a ratio to it would say nothing")
    driven = {name: _Driven(circuit, circuit.netlist) for name, circuit in library.items()}
    names = list(trace if layers is None else layers)
    rows: list[OperandEnergy] = []
    with (progress or SilentProgress()).track(len(names), f"energy of {len(driven)} circuits") as task:
        for layer in map(trace.__getitem__, names):
            found = {name: circuit.row(name, layer) for name, circuit in driven.items()}
            exact = [
                name
                for name, circuit in driven.items()
                if (circuit.is_exact_of(layer) if reference is None else name == reference)
            ]
            rows += [_with_ratio(row, library, found, exact) for row in found.values()]
            task.advance()
    return rows


def mean_energies(
    library: Mapping[str, Multiplier],
    trace: OperandTrace,
    layers: Iterable[str] | None = None,
    *,
    progress: Progress | None = None,
) -> dict[str, tuple[float | None, str | None]]:
    """Return each circuit's energy and its basis, the mean over all multiplications of these layers.

    Args:
        library: The circuits.
        trace: The operands.
        layers: Names of the layers; all by default.
        progress: Where progress is shown; nowhere by default.

    Raises:
        UnknownName: There is no such layer.
        InputError: A circuit can't take the operands.
    """
    names = list(trace if layers is None else layers)
    macs = {name: trace[name].macs for name in names}
    total = sum(macs.values()) or 1
    found: dict[str, tuple[float | None, str | None]] = {}
    for row in energy_under_operands(library, trace, layers=names, progress=progress):
        so_far, _ = found.get(row.multiplier, (0.0, None))
        share = None if row.energy is None or so_far is None else so_far + row.energy * (macs[row.layer] / total)
        found[row.multiplier] = share, row.basis
    return found


@dataclass
class _Driven:
    """A circuit and what its netlist switches under the uniform stream, found when first needed."""

    multiplier: Multiplier
    netlist: Netlist | None
    uniform_switching: float | None = None

    def energy(
        self,
        layer: LayerTrace,
        swapped: bool = False,
        encoding_a: Encoding | str | None = None,
        encoding_w: Encoding | str | None = None,
    ) -> float | None:
        circuit, netlist = self.multiplier, self.netlist
        if netlist is None:
            return None
        first, second = layer.ports(
            (circuit.bits_a, circuit.bits_b),
            (circuit.signed_a, circuit.signed_b),
            swapped=swapped,
            encoding_a=encoding_a,
            encoding_w=encoding_w,
        )
        switching = switched_transistors(netlist, first, second)
        stated = circuit.cost.energy if circuit.cost else None
        if stated is None:
            return switching
        if self.uniform_switching is None:
            self.uniform_switching = switched_transistors(netlist, *uniform_operands(netlist))
        return stated * (switching / self.uniform_switching) if self.uniform_switching else stated

    def row(self, name: str, layer: LayerTrace) -> OperandEnergy:
        circuit = self.multiplier
        encoding_a, encoding_w = layer.encodings((circuit.signed_a, circuit.signed_b))
        energy, stated = self.energy(layer), circuit.cost.energy if circuit.cost else None
        basis = OPERANDS if energy is not None else PUBLISHED if stated is not None else None
        flow = circuit.cost.flow if circuit.cost and stated is not None else UNSYNTHESISED if basis else None
        energy = stated if energy is None else energy
        return OperandEnergy(layer.layer, name, flow, encoding_a, encoding_w, energy, None, stated, basis)

    def is_exact_of(self, layer: LayerTrace) -> bool:
        """Return whether this is an exact circuit of the layer's widths."""
        circuit = self.multiplier
        return (circuit.bits_a, circuit.bits_b) == (layer.bits_a, layer.bits_w) and circuit.is_exact


def _with_ratio(
    row: OperandEnergy, library: Mapping[str, Multiplier], found: Mapping[str, OperandEnergy], exact: Iterable[str]
) -> OperandEnergy:
    """Return the row with its ratio to the cheapest of the exact circuits that it may be compared with."""
    ratios = []
    for name in exact:
        base = found[name]
        try:
            # Refuses two flows, and two figures of one flow; a circuit without a cost has no flow to differ.
            comparable = energy_ratio(library[row.multiplier], library[name])
        except LibraryError:
            continue
        if row.basis == OPERANDS and base.basis == OPERANDS and row.energy is not None and base.energy:
            ratios.append(row.energy / base.energy)
        elif row.basis == PUBLISHED:
            ratios.append(comparable)
    return OperandEnergy(**{**row.__dict__, "ratio": max(ratios, default=None)})
