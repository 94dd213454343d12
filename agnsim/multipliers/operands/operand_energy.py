"""What a circuit costs on the operands that a layer really multiplies: well under half of what uniform ones cost.

A circuit with a netlist is driven with the layer's operand sequence, and its settled toggles are set against those of
the uniform stream that costs are stated for: the stated energy, scaled by their ratio, stays in the unit of its flow.
Converters of encodings and the accumulator are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from agnsim.errors import InputError, LibraryError
from agnsim.multipliers.cost import energy_ratio
from agnsim.multipliers.encoding import Encoding
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import UNSYNTHESISED, switched_transistors, uniform_operands
from agnsim.multipliers.operands.energy_reference import exact_circuits
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
        reference: Name of the exact circuit of the layer's widths, same flow and operands, that needs least; `None`
            where there is none.
        reference_energy: Its energy; where only published costs are there, the stated one.
        ratio: `energy` over `reference_energy`.
        uniform: Energy as stated, under uniform operands.
        basis: `"operands"`; `"published"` where there is no netlist, and `energy` is the stated one; or `None`.
    """

    layer: str
    multiplier: str
    flow: str | None
    encoding_a: Encoding
    encoding_w: Encoding
    energy: float | None
    reference: str | None
    reference_energy: float | None
    ratio: float | None
    uniform: float | None
    basis: str | None


@dataclass(frozen=True)
class MeanEnergy:
    """Energy of one multiplication by a circuit, the mean over all multiplications of some layers.

    Attributes:
        multiplier: Name of the circuit.
        flow: Flow of the figures; `None` where nothing is known.
        energy: In the unit of the flow; `None` where neither netlist nor cost is there.
        reference: Name of the exact circuit that `ratio` is to; names, where layers have different ones.
        ratio: `energy` over the mean of the reference's.
        uniform: Energy as stated, under uniform operands.
        basis: As in `OperandEnergy`.
    """

    multiplier: str
    flow: str | None
    energy: float | None
    reference: str | None
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
    whole: Mapping[str, Multiplier] | None = None,
    progress: Progress | None = None,
) -> list[OperandEnergy]:
    """Return the energy of every circuit in every layer, layer by layer in the library's order.

    Every circuit is used unswapped, in the default encodings of `LayerTrace.encodings`.

    Args:
        library: The circuits.
        trace: The operands.
        layers: Names of the layers; all by default.
        reference: Name of the exact circuit that `ratio` is to; by default, for each layer and flow, the one that
            needs least: of `whole`, and of the built-in library where that has none of these widths in that flow.
        whole: The circuits that the reference is one of, where `library` is a part of them; `library` by default.
        progress: Where progress is shown; nowhere by default. A layer takes milliseconds for every circuit.

    Raises:
        UnknownName: There is no such layer or reference.
        LibraryError: The reference is not exact.
        InputError: A circuit can't take the operands.
    """
    names = trace.known(layers)
    whole = library if whole is None else whole
    if reference is not None and not whole[reference].is_exact:
        raise LibraryError(f"reference {reference!r} is not exact; a ratio to it would say nothing")
    driven = {name: _Driven(circuit, circuit.netlist) for name, circuit in library.items()}
    flows = {circuit.cost.flow for circuit in library.values() if circuit.cost}
    named = None if reference is None else [_Driven(whole[reference], whole[reference].netlist)]
    exact: dict[tuple[int, int], list[_Driven]] = {}
    rows: list[OperandEnergy] = []
    with (progress or SilentProgress()).track(len(names), f"energy of {len(driven)} circuits") as task:
        for layer in map(trace.__getitem__, names):
            widths = layer.bits_a, layer.bits_w
            if named is None and widths not in exact:
                exact[widths] = [_Driven(c, c.netlist) for c in exact_circuits(whole, *widths, flows)]
            rivals = exact[widths] if named is None else named
            bases = [(rival.multiplier, rival.row(rival.multiplier.name, layer)) for rival in rivals]
            rows += [
                _with_ratio(circuit.row(name, layer), circuit.multiplier, bases) for name, circuit in driven.items()
            ]
            task.advance()
    return rows


def mean_energies(rows: Iterable[OperandEnergy], trace: OperandTrace) -> list[MeanEnergy]:
    """Return the energy of every circuit over all multiplications of the layers that the rows are of.

    Args:
        rows: From `energy_under_operands`, each circuit's for the same layers.
        trace: The operands of these rows.
    """
    found: dict[str, list[OperandEnergy]] = {}
    for row in rows:
        found.setdefault(row.multiplier, []).append(row)
    macs = {row.layer: trace[row.layer].macs for row in next(iter(found.values()), ())}
    return [_mean(own, macs) for own in found.values()]


def _mean(rows: list[OperandEnergy], macs: Mapping[str, int]) -> MeanEnergy:
    """Return the mean of one circuit's rows, layers weighted by their multiplications."""
    total = sum(macs.values()) or 1

    def mean(values: list[float | None]) -> float | None:
        known = [
            value * (macs[row.layer] / total) for value, row in zip(values, rows, strict=True) if value is not None
        ]
        return sum(known) if len(known) == len(values) else None

    energy, base = mean([row.energy for row in rows]), mean([row.reference_energy for row in rows])
    names = sorted({row.reference for row in rows if row.reference is not None})
    first = rows[0]
    return MeanEnergy(
        multiplier=first.multiplier,
        flow=first.flow,
        energy=energy,
        reference=", ".join(names) or None,
        ratio=energy / base if energy is not None and base else None,
        uniform=first.uniform,
        basis=first.basis,
    )


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
        return OperandEnergy(
            layer=layer.layer,
            multiplier=name,
            flow=flow,
            encoding_a=encoding_a,
            encoding_w=encoding_w,
            energy=energy,
            reference=None,
            reference_energy=None,
            ratio=None,
            uniform=stated,
            basis=basis,
        )


def _with_ratio(
    row: OperandEnergy, circuit: Multiplier, bases: Iterable[tuple[Multiplier, OperandEnergy]]
) -> OperandEnergy:
    """Return the row with its ratio to the cheapest of the exact circuits that it may be compared with."""
    found: list[tuple[float, str]] = []
    for exact, base in bases:
        try:
            energy_ratio(circuit, exact)  # refuses two flows, two figures of one flow, and what has no cost
        except LibraryError:
            continue
        energy = base.uniform if row.basis == PUBLISHED else base.energy if base.basis == OPERANDS else None
        if energy:
            found.append((energy, exact.name))
    if not found or row.energy is None:
        return row
    energy, name = min(found)
    return replace(row, reference=name, reference_energy=energy, ratio=row.energy / energy)
