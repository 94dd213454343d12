"""What a netlist costs without a technology: switched transistors, transistors and unit delays.

Settled values by default, all transitions with unit delays on request. The figures mean something only as ratios
within one flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.cost import Cost
from agnsim.multipliers.netlists.gates import NO_WIRE, TRANSISTORS, UNIT_DELAYS, Op
from agnsim.multipliers.netlists.netlist import Netlist, following

TECHNOLOGY = "none"
FLOW = "unit"
"""Netlists that were synthesised onto the unit cells, the best of several recipes."""
UNSYNTHESISED = "unit-unsynthesised"
"""Netlists as somebody drew them: never compared with synthesised ones."""
VECTORS = 65536
SEED = 20250101
_GATES_AT_ONCE = 4096

Operands = tuple[NDArray[np.int64], NDArray[np.int64]]
"""A stream of operand pairs: two int64 `[N]` arrays of bit patterns."""

_ONES = np.unpackbits(np.arange(2**16, dtype="<u2").view(np.uint8).reshape(-1, 2), axis=1).sum(1, dtype=np.uint8)


def transistors(netlist: Netlist) -> int:
    """Return the transistors of all gates."""
    return sum(TRANSISTORS[gate.op] for gate in netlist.gates)


def logic_depth(netlist: Netlist) -> int:
    """Return the gates on the longest way from an operand bit to a product bit; constants start no way."""
    return _longest_way(netlist, dict.fromkeys(Op, 1))


def unit_delay(netlist: Netlist) -> int:
    """Return the unit delays on the longest way from an operand bit to a product bit."""
    return _longest_way(netlist, UNIT_DELAYS)


def uniform_operands(netlist: Netlist, vectors: int = VECTORS) -> Operands:
    """Return the stimulus: two int64 `[vectors]` arrays of independent uniform bit patterns, always the same.

    The raw stream of PCG64 is used because NumPy promises its stability, which it does not for `Generator`.
    """
    raw = np.random.PCG64(SEED).random_raw(vectors)
    a, b = raw & np.uint64(2**netlist.bits_a - 1), (raw >> np.uint64(32)) & np.uint64(2**netlist.bits_b - 1)
    return a.astype(np.int64), b.astype(np.int64)


def toggles(netlist: Netlist, a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.int64]:
    """Count settled changes of every gate's output while a stream of operand pairs is applied, repeated cyclically.

    Args:
        netlist: The circuit.
        a: Integers `[N]`, bit patterns of the first operand; N a multiple of 64.
        b: Integers `[N]`, bit patterns of the second operand.

    Returns:
        int64 `[len(netlist.gates)]`: changes over the N steps (the last step returns to the first pair).

    Raises:
        ValueError: N is not a positive multiple of 64.
    """
    if len(a) == 0 or len(a) % 64:
        raise ValueError(f"toggles are counted over a multiple of 64 operand pairs, not {len(a)}")
    values = netlist.evaluate(a, b)[netlist.inputs :]
    counted = np.empty(len(values), dtype=np.int64)
    for start in range(0, len(values), _GATES_AT_ONCE):
        part = slice(start, start + _GATES_AT_ONCE)
        now = values[part]
        changed = np.ascontiguousarray(now ^ following(now)).view("<u2")
        counted[part] = _ONES[changed].sum(axis=1, dtype=np.int64)
    return counted


def switched_transistors(netlist: Netlist, a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the mean over the steps of a stream of the transistors in gates whose settled output changes.

    Args:
        netlist: The circuit.
        a: Integers `[N]`, bit patterns of the first operand; N a multiple of 64.
        b: Integers `[N]`, bit patterns of the second operand.
    """
    weights = np.array([TRANSISTORS[gate.op] for gate in netlist.gates], dtype=np.int64)
    return float(weights @ toggles(netlist, a, b)) / len(a)


def unit_cost(netlist: Netlist, *, flow: str = FLOW, operands: Operands | None = None, glitches: bool = False) -> Cost:
    """Return the cost of a netlist of unit cells.

    `relative_energy` is the mean over the steps of the operand stream of toggled gates weighted by their transistors,
    `relative_area` the transistors, `relative_delay` the unit delays of the longest path. Simplify a netlist first
    that was not synthesised: a generator's constants and dead gates are not hardware.

    Args:
        netlist: The circuit.
        flow: Where its gates come from: `FLOW` only if they were synthesised.
        operands: The stream, a multiple of 64 pairs; `VECTORS` uniform ones by default.
        glitches: Also count all transitions with unit delays (`glitch_energy`).
    """
    a, b = operands if operands is not None else uniform_operands(netlist)
    glitch_energy = None
    if glitches:
        from agnsim.multipliers.netlists.transitions import all_transitions

        weights = np.array([TRANSISTORS[gate.op] for gate in netlist.gates], dtype=np.int64)
        glitch_energy = float(weights @ all_transitions(netlist, a, b)) / len(a)
    return Cost(
        technology=TECHNOLOGY,
        flow=flow,
        relative_energy=switched_transistors(netlist, a, b),
        relative_area=float(transistors(netlist)),
        relative_delay=float(unit_delay(netlist)),
        glitch_energy=glitch_energy,
    )


def _longest_way(netlist: Netlist, delays: Mapping[Op, int]) -> int:
    arrival = [0] * netlist.inputs
    for gate in netlist.gates:
        pins = [pin for pin in (gate.x, gate.y) if pin != NO_WIRE]
        arrival.append(delays[gate.op] + max(arrival[pin] for pin in pins) if pins else 0)
    return max(arrival[wire] for wire in netlist.outputs)
