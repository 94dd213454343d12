"""The flow of a user's Liberty file: ABC maps with its cells; area, delay and energy are the library's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import MultiplierError
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.netlists.gates import NO_WIRE, Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import Operands, toggles, uniform_operands
from agnsim.multipliers.netlists.transitions import all_transitions
from agnsim.multipliers.synthesis.abc import map_netlist
from agnsim.multipliers.synthesis.blif import MappedBlif, input_names, output_names
from agnsim.multipliers.synthesis.boolean_function import emit_function
from agnsim.multipliers.synthesis.liberty import Liberty
from agnsim.multipliers.synthesis.recipes import RECIPES
from agnsim.multipliers.synthesis.target import driver

_DELAY = re.compile(r"Delay =\s*([\d.]+) ps")


@dataclass(frozen=True)
class LibertyCircuit:
    """A circuit of a Liberty file's cells, each expanded into gates.

    Attributes:
        netlist: The gates; a cell's last one drives its output.
        energy_pj: float64 `[gates]`, energy of one change of each gate's output: the load of the pins it drives and
            the cell's internal energy; 0 inside a cell.
        delays: Delay of each gate in cells: 1 at a cell's output, 0 inside.
        area_um2: Area of the cells.
        leakage_mw: Their leakage.
        delay_ns: Longest path, as ABC's `stime` reports it.
    """

    netlist: Netlist
    energy_pj: NDArray[np.float64]
    delays: tuple[int, ...]
    area_um2: float
    leakage_mw: float
    delay_ns: float


@dataclass(frozen=True)
class LibertyTarget:
    """The cells of a Liberty file.

    Attributes:
        liberty: The library.
        clock_ns: Required time of every path in nanoseconds, or `None` for area before delay.
    """

    liberty: Liberty
    clock_ns: float | None = None

    @property
    def flow(self) -> str:
        """Flow of the costs: the library's, and the clock constraint where there is one."""
        return self.liberty.flow + (f":{self.clock_ns:g}ns" if self.clock_ns is not None else "")

    def map(self, netlist: Netlist) -> dict[str, LibertyCircuit]:
        """As `Target.map`."""
        clock_ps = self.clock_ns * 1000 if self.clock_ns is not None else None
        recipes = [recipe.timed(sized=clock_ps is not None) for recipe in RECIPES]
        mapped, log = map_netlist(netlist, recipes, self.liberty.path, read_cells="read_lib -s", clock_ps=clock_ps)
        delays = [float(delay) / 1000 for delay in _DELAY.findall(log)]
        if len(delays) != len(mapped):
            raise MultiplierError(f"{self.liberty.path}: ABC reported {len(delays)} delays for {len(mapped)} recipes")
        return {
            recipe: liberty_circuit(circuit, netlist, self.liberty, delay)
            for (recipe, circuit), delay in zip(mapped.items(), delays, strict=True)
        }

    def cost(self, candidate: LibertyCircuit, operands: Operands | None, *, glitches: bool) -> Cost:
        """As `Target.cost`; with a clock, `power_mw` is energy over its period, and leakage."""
        a, b = operands if operands is not None else uniform_operands(candidate.netlist)
        energy = _energy(candidate, toggles(candidate.netlist, a, b), len(a))
        every = None
        if glitches:
            every = _energy(candidate, all_transitions(candidate.netlist, a, b, candidate.delays), len(a))
        return Cost(
            technology=self.liberty.name,
            flow=self.flow,
            power_mw=energy / self.clock_ns + candidate.leakage_mw if self.clock_ns else None,
            area_um2=candidate.area_um2,
            delay_ns=candidate.delay_ns,
            energy_pj=energy,
            glitch_energy=every,
            clock_ns=self.clock_ns,
            corner=self.liberty.corner,
        )


def liberty_circuit(mapped: MappedBlif, source: Netlist, liberty: Liberty, delay_ns: float) -> LibertyCircuit:
    """Return a mapped circuit with its cells expanded into gates.

    Raises:
        MultiplierError: A cell is unknown to the library or has no function, or a net has no driver.
    """
    wires = {name: wire for wire, name in enumerate(input_names(source))}
    gates: list[Gate] = []
    internal: dict[int, float] = {}  # by wire: that of the cell that drives it
    load: dict[int, float] = {}
    area = leakage = 0.0

    def emit(op: Op, *pins: int) -> int:
        gates.append(Gate(op, *pins, *[NO_WIRE] * (2 - op.arity)))
        return source.inputs + len(gates) - 1

    for net, value in mapped.constants.items():
        wires[net] = emit(Op.CONST1 if value else Op.CONST0)
    for name, pins in mapped.instances:
        cell = liberty.cells.get(name)
        if cell is None or not cell.functions:
            raise MultiplierError(f"{liberty.path}: ABC used the cell {name!r}, which has no function there")
        read = {pin: driver(mapped, wires, net) for pin, net in pins.items() if pin not in cell.functions}
        for pin, wire in read.items():
            load[wire] = load.get(wire, 0.0) + cell.capacitance_pf.get(pin, 0.0)
        for pin in cell.functions.keys() & pins.keys():
            before = source.inputs + len(gates)
            wire = emit_function(cell.functions[pin], read, emit)
            wires[pins[pin]] = wire if wire >= before else emit(Op.BUF, wire)
            internal[wires[pins[pin]]] = cell.internal_pj.get(pin, 0.0)
        area, leakage = area + cell.area, leakage + cell.leakage_mw
    outputs = tuple(driver(mapped, wires, net) for net in output_names(source))
    netlist = Netlist(source.bits_a, source.bits_b, tuple(gates), outputs, source.signed)
    energy = np.zeros(len(gates))
    for wire, own in internal.items():
        energy[wire - source.inputs] = own + 0.5 * load.get(wire, 0.0) * liberty.voltage**2
    delays = tuple(int(source.inputs + number in internal) for number in range(len(gates)))
    return LibertyCircuit(netlist, energy, delays, area, leakage, delay_ns)


def _energy(circuit: LibertyCircuit, changes: NDArray[Any], steps: int) -> float:
    # One order of summation, so that the figure is the same on every machine.
    return float(np.cumsum(circuit.energy_pj * changes)[-1]) / steps if len(changes) else 0.0
