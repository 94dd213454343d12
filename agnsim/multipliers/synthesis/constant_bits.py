"""Operand bits that never change, such as the top bit of a magnitude that keeps its operand's width: tied."""

from __future__ import annotations

import numpy as np

from agnsim.multipliers.netlists.gate_folding import FoldedGates
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import Operands


def constant_bits(netlist: Netlist, operands: Operands) -> dict[int, int]:
    """Return the value of every input wire that an operand stream holds constant."""
    constant = {}
    first_wire = 0
    for patterns, bits in zip(operands, (netlist.bits_a, netlist.bits_b), strict=True):
        changing = int(np.bitwise_or.reduce(patterns ^ patterns[0]))
        for place in range(bits):
            if not changing >> place & 1:
                constant[first_wire + place] = int(patterns[0]) >> place & 1
        first_wire += bits
    return constant


def tied(netlist: Netlist, constant: dict[int, int]) -> Netlist:
    """Return the netlist with input wires tied to constants and simplified; the ports keep their widths."""
    folded = FoldedGates(netlist.inputs)
    inputs = [
        wire if wire not in constant else (folded.one if constant[wire] else folded.zero)
        for wire in range(netlist.inputs)
    ]
    wires = folded.insert(netlist.gates, inputs)
    gates, outputs = folded.finish([wires[wire] for wire in netlist.outputs])
    return Netlist(netlist.bits_a, netlist.bits_b, gates, outputs, netlist.signed)
