"""The unit flow: circuits of our own unit cells, which are the gates of a netlist, so that nothing needs a PDK."""

from __future__ import annotations

from dataclasses import dataclass

from agnsim.errors import MultiplierError
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.netlists.gates import NO_WIRE, Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import FLOW, Operands, unit_cost
from agnsim.multipliers.synthesis.abc import map_netlist
from agnsim.multipliers.synthesis.blif import MappedBlif, input_names, output_names
from agnsim.multipliers.synthesis.recipes import AS_DRAWN, RECIPES
from agnsim.multipliers.synthesis.target import driver
from agnsim.multipliers.synthesis.unit_cells import CELLS, genlib


@dataclass(frozen=True)
class UnitCircuit:
    """A circuit of unit cells.

    Attributes:
        netlist: Its gates, each one cell.
    """

    netlist: Netlist


@dataclass(frozen=True)
class UnitTarget:
    """The unit cells (`unit_cells`), costed by `netlist_cost.unit_cost`."""

    flow: str = FLOW

    def map(self, netlist: Netlist) -> dict[str, UnitCircuit]:
        """As `Target.map`."""
        candidates = {AS_DRAWN: UnitCircuit(netlist.simplify())}
        mapped, _ = map_netlist(netlist, RECIPES, genlib(), read_cells="read_genlib")
        return candidates | {recipe: UnitCircuit(unit_netlist(circuit, netlist)) for recipe, circuit in mapped.items()}

    def cost(self, candidate: UnitCircuit, operands: Operands | None, *, glitches: bool) -> Cost:
        """As `Target.cost`."""
        return unit_cost(candidate.netlist, flow=self.flow, operands=operands, glitches=glitches)


def unit_netlist(mapped: MappedBlif, source: Netlist) -> Netlist:
    """Return a circuit mapped to the unit cells as a netlist with the operands and the sign of `source`.

    Raises:
        MultiplierError: A cell is not of the unit library, or a net has no driver.
    """
    wires = {name: wire for wire, name in enumerate(input_names(source))}
    gates: list[Gate] = []

    def drive(net: str, gate: Gate) -> None:
        gates.append(gate)
        wires[net] = source.inputs + len(gates) - 1

    for net, value in mapped.constants.items():
        drive(net, Gate(Op.CONST1 if value else Op.CONST0))
    for cell, pins in mapped.instances:
        if cell not in CELLS:
            raise MultiplierError(f"ABC used the cell {cell!r}, which the unit library does not have")
        op = CELLS[cell]
        read = [driver(mapped, wires, pins[pin]) for pin in "AB"[: op.arity]]
        drive(pins["O"], Gate(op, *read, *[NO_WIRE] * (2 - op.arity)))
    outputs = tuple(driver(mapped, wires, net) for net in output_names(source))
    return Netlist(source.bits_a, source.bits_b, tuple(gates), outputs, source.signed)
