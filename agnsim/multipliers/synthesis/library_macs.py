"""The MACs of a library's circuits, every use that a layer can make of them, under one stream of operands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from agnsim.errors import MultiplierError
from agnsim.multipliers.choice import Choice, choices
from agnsim.multipliers.encoding import Encoding
from agnsim.multipliers.libraries.collection import Library, LibraryEntry
from agnsim.multipliers.libraries.mac_costs import EXACT_BITS, MacCost, short_digest
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis.baseline import ARRAY
from agnsim.multipliers.synthesis.constant_bits import constant_bits, tied
from agnsim.multipliers.synthesis.datapath import Datapath, characterise_datapath
from agnsim.multipliers.synthesis.network_stimulus import NetworkStimulus
from agnsim.multipliers.synthesis.synthesise import synthesise

MAX_BITS = 8
CORRECTION_COLUMNS = 16
"""Columns of units, one an output channel, that share the sums of activations which offset weights need."""


def library_macs(
    library: Library, *, jobs: int = 1, on_circuit: Callable[[str], None] = lambda name: None
) -> Iterator[MacCost]:
    """Yield the costs of the MACs around all circuits of at most 8 bits, sorted by name.

    Every orientation and encoding that `choices` has for activations that are not negative is characterised, offset
    weights with the exact 8x8 circuits alone. The exact 8x8 arrays are used with activations of either sign, too.

    Args:
        library: The circuits, which have netlists.
        jobs: How many circuits are in work at a time.
        on_circuit: Called behind each.

    Raises:
        MissingDependency: pyosys is not installed.
        MultiplierError: A circuit has no netlist, or as `characterise_datapath`; the message begins with its name.
    """
    entries = sorted((entry for entry in library.entries if max(entry.bits) <= MAX_BITS), key=lambda entry: entry.name)

    def one(entry: LibraryEntry) -> list[MacCost]:
        multiplier = entry.read()  # and forgotten: the library would keep every table
        is_base = multiplier.is_exact and (multiplier.bits_a, multiplier.bits_b) == EXACT_BITS
        signed_a = None if is_base and multiplier.family == ARRAY else False
        uses = choices(multiplier, signed_a=signed_a)
        costs = [mac_cost(use, alone=is_base) for use in uses if is_base or use.encoding_w is not Encoding.OFFSET]
        on_circuit(entry.name)
        return costs

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for costs in pool.map(one, entries):
            yield from costs


def mac_cost(choice: Choice, *, alone: bool = False) -> MacCost:
    """Return what the MAC around a circuit costs, used as a layer uses it.

    Products of offset weights are too large by the offset times the activation. A column of units that add up the
    activations corrects the sums of `CORRECTION_COLUMNS` others, so each of these is charged its share.

    Args:
        choice: The circuit with orientation and encodings.
        alone: Also characterise the multiplier alone, under the same operands and without the bits they never change.

    Raises:
        MissingDependency: pyosys is not installed.
        MultiplierError: As `library_macs`.
    """
    circuit = choice.multiplier
    drawn = circuit.generated_netlist or circuit.netlist
    if drawn is None:
        raise MultiplierError(f"{circuit.name}: has no netlist, only a table, so no MAC to synthesise")
    netlist, signs = drawn, (circuit.signed_a, circuit.signed_b)
    if choice.swapped:
        netlist, signs = drawn.swapped(), signs[::-1]
    encodings = choice.effective.encoding_a, choice.effective.encoding_w
    stimulus = NetworkStimulus(*encodings)
    try:
        mac = characterise_datapath(netlist, signs, stimulus, glitches=True, check_all=False, corrected_outside=True)
        multiplier_energy = _alone(netlist, signs, stimulus) if alone else None
        shared = [_correction(netlist.bits_a, signs[0], stimulus)] if Encoding.OFFSET in encodings else []
    except MultiplierError as error:
        raise MultiplierError(f"{circuit.name}: {error}") from error
    cost = mac.synthesis.cost

    def total(figure: Callable[[Datapath], float | None]) -> float:
        return (figure(mac) or 0.0) + sum(figure(unit) or 0.0 for unit in shared) / CORRECTION_COLUMNS

    return MacCost(
        circuit=circuit.name,
        digest=short_digest(circuit.digest),
        swapped=choice.swapped,
        encoding_a=encodings[0],
        encoding_w=encodings[1],
        signed=netlist.signed,
        bits_a=netlist.bits_a,
        bits_w=netlist.bits_b,
        exact=circuit.is_exact,
        accumulator=mac.mac.accumulator,
        flip_flops=mac.flip_flops,
        recipe=str(cost.recipe),
        energy=total(lambda unit: unit.energy),
        energy_worst=total(lambda unit: unit.synthesis.cost.energy_worst),
        glitch_energy=total(lambda unit: unit.synthesis.cost.glitch_energy),
        clock_energy=total(lambda unit: unit.clock_energy),
        data_energy=total(lambda unit: unit.data_energy),
        area=total(lambda unit: unit.area_with_registers),
        delay=cost.delay or 0.0,
        multiplier_energy=multiplier_energy,
    )


def _correction(bits_a: int, signed_a: bool, stimulus: NetworkStimulus) -> Datapath:
    """Return the unit that adds up the activations, by which the sums of offset products are corrected."""
    activation = Netlist(bits_a, 1, (), tuple(range(bits_a)), signed_a)
    return characterise_datapath(
        activation,
        (signed_a, False),
        replace(stimulus, encoding_w=Encoding.UNSIGNED),
        signed_weights=False,
        glitches=True,
        check_all=False,
    )


def _alone(netlist: Netlist, signs: tuple[bool, bool], stimulus: NetworkStimulus) -> float:
    operands = stimulus.products((netlist.bits_a, netlist.bits_b), signs, signed_weights=True).ports(
        (netlist.bits_a, netlist.bits_b), signs
    )
    synthesis = synthesise(
        tied(netlist, constant_bits(netlist, operands)), operands=operands, label=stimulus.label, check_all=False
    )
    return synthesis.cost.energy or 0.0
