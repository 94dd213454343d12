"""Characterise circuits in one run, beside the exact multipliers that they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from agnsim.errors import InputError, MultiplierError
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import uniform_operands
from agnsim.multipliers.synthesis.baseline import can_be_compared, exact_array
from agnsim.multipliers.synthesis.constant_bits import constant_bits, tied
from agnsim.multipliers.synthesis.datapath import Datapath, characterise_datapath
from agnsim.multipliers.synthesis.stimulus import Bits, Signs, Stimulus, UniformStimulus
from agnsim.multipliers.synthesis.synthesise import Synthesis, synthesise
from agnsim.multipliers.synthesis.target import Target
from agnsim.multipliers.synthesis.unit_target import UnitTarget


@dataclass(frozen=True)
class Settings:
    """How circuits are characterised.

    Attributes:
        target: The cells.
        stimulus: What they multiply.
        glitches: Also report the energy of all transitions.
        tie_constant_bits: Tie operand bits that the stimulus never changes, and simplify.
        datapath: Also characterise the MAC around each circuit.
        accumulator: Width of its sums; by default as wide as the worst case needs.
    """

    target: Target[Any] = field(default_factory=UnitTarget)
    stimulus: Stimulus = field(default_factory=UniformStimulus)
    glitches: bool = False
    tie_constant_bits: bool = False
    datapath: bool = False
    accumulator: int | None = None


@dataclass(frozen=True)
class Baseline:
    """What circuits are compared with: the exact multiplier and the cheapest exact MAC of their widths and signs.

    A reference for circuits of all widths is one, too.

    Attributes:
        name: The multiplier.
        bits: Its widths.
        cost: Its cost.
        mac_name: The multiplier in the MAC, or `None` where no MACs are characterised.
        mac: The MAC.
    """

    name: str
    bits: Bits
    cost: Cost
    mac_name: str | None
    mac: Datapath | None


@dataclass(frozen=True)
class Characterisation:
    """One characterised circuit.

    Attributes:
        multiplier: The circuit as it was read, with the cost that came with it.
        synthesis: What synthesis made of it.
        datapath: The MAC around it, where asked for.
        baseline: What it is compared with, `None` for operands of which one is signed.
    """

    multiplier: Multiplier
    synthesis: Synthesis
    datapath: Datapath | None
    baseline: Baseline | None

    @property
    def cost(self) -> Cost:
        """Its cost in this run's flow."""
        return self.synthesis.cost

    @property
    def as_reference(self) -> Baseline:
        """The circuit, and the MAC around it, as what others are compared with."""
        bits, _ = _kind(self.multiplier)
        mac_name = self.multiplier.name if self.datapath else None
        return Baseline(self.multiplier.name, bits, self.cost, mac_name, self.datapath)

    def characterised(self, *, keep_mapped: bool) -> Multiplier:
        """Return the circuit with this run's cost, the one it came with among the others.

        Args:
            keep_mapped: Whether its netlist becomes the mapped one.
        """
        before = self.multiplier
        costs = [before.cost, *before.other_costs, self.datapath.synthesis.cost if self.datapath else None]
        others = {cost.flow: cost for cost in costs if cost is not None and cost.flow != self.cost.flow}
        netlist = self.synthesis.netlist if keep_mapped else before.netlist
        return replace(before, cost=self.cost, other_costs=tuple(others.values()), stored_netlist=netlist)


def characterise(
    multipliers: Sequence[Multiplier],
    settings: Settings,
    *,
    jobs: int = 1,
    on_circuit: Callable[[str], None] = lambda name: None,
) -> list[Characterisation]:
    """Return the characterisations of circuits with netlists, in their order.

    Args:
        multipliers: The circuits.
        settings: How.
        jobs: How many are in work at a time.
        on_circuit: Called behind each.

    Raises:
        MissingDependency: pyosys is not installed.
        MultiplierError: As `synthesise`; the message begins with the circuit's name.
        InputError: The stimulus does not fit a circuit's ports.
    """
    kinds = list(dict.fromkeys(_kind(multiplier) for multiplier in multipliers))
    comparable = [kind for kind in kinds if can_be_compared(*kind)]

    def one(multiplier: Multiplier) -> Characterisation:
        # The drawing, not a netlist that was mapped before: the same circuit costs the same however it is stored.
        netlist, (bits, signed) = multiplier.generated_netlist or multiplier.netlist, _kind(multiplier)
        if netlist is None:
            raise MultiplierError(f"multiplier {multiplier.name!r} has no netlist, so nothing to synthesise")
        synthesis, datapath = _measure(multiplier.name, netlist, bits, signed, settings)
        on_circuit(multiplier.name)
        return Characterisation(multiplier, synthesis, datapath, baselines.get((bits, signed)))

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        exact = pool.map(lambda kind: _baseline(kind[0], kind[1], settings), comparable)
        baselines = dict(zip(comparable, exact, strict=True))
        return list(pool.map(one, multipliers))


def _kind(multiplier: Multiplier) -> tuple[Bits, Signs]:
    return (multiplier.bits_a, multiplier.bits_b), (multiplier.signed_a, multiplier.signed_b)


def _measure(
    name: str, netlist: Netlist, bits: Bits, signed: Signs, settings: Settings
) -> tuple[Synthesis, Datapath | None]:
    label = settings.stimulus.label
    try:
        operands = settings.stimulus.operands(bits, signed)
        if settings.tie_constant_bits:
            constant = constant_bits(netlist, operands if operands is not None else uniform_operands(netlist))
            netlist_alone, label = tied(netlist, constant), f"{label or 'uniform'}:constant-bits"
            operands = operands if operands is not None else uniform_operands(netlist)
        else:
            netlist_alone = netlist
        synthesis = synthesise(
            netlist_alone, operands=operands, label=label, glitches=settings.glitches, target=settings.target
        )
        if not settings.datapath:
            return synthesis, None
        return synthesis, characterise_datapath(
            netlist,
            signed,
            settings.stimulus,
            accumulator=settings.accumulator,
            glitches=settings.glitches,
            target=settings.target,
        )
    except InputError as error:
        raise type(error)(f"{name}: {error}") from error


def _baseline(bits: Bits, signed: Signs, settings: Settings) -> Baseline:
    name, netlist = exact_array(bits, signed[0])
    synthesis, datapath = _measure(name, netlist, bits, signed, settings)
    if datapath is None:
        return Baseline(name, bits, synthesis.cost, None, None)
    # The encoding alone is worth a sixth of the energy, so the other one competes.
    other_name, other_netlist = exact_array(bits, not signed[0])
    _, other = _measure(other_name, other_netlist, bits, (not signed[0],) * 2, settings)
    if other is not None and other.energy < datapath.energy:
        return Baseline(name, bits, synthesis.cost, other_name, other)
    return Baseline(name, bits, synthesis.cost, name, datapath)
