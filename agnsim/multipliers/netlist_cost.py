"""What a netlist costs without a technology: switched transistors, transistors and gate levels.

Settled values only: glitches depend on delays, which a netlist without a technology does not have. The figures mean
something only as ratios within this flow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.cost import Cost
from agnsim.multipliers.gates import NO_WIRE, TRANSISTORS
from agnsim.multipliers.netlist import Netlist

TECHNOLOGY = "none"
FLOW = "unit"
VECTORS = 65536
SEED = 20250101

_ONES = np.unpackbits(np.arange(2**16, dtype="<u2").view(np.uint8).reshape(-1, 2), axis=1).sum(1, dtype=np.uint8)


def transistors(netlist: Netlist) -> int:
    """Return the transistors of all gates."""
    return sum(TRANSISTORS[gate.op] for gate in netlist.gates)


def logic_depth(netlist: Netlist) -> int:
    """Return the gates on the longest way from an operand bit to a product bit; constants start no way."""
    level = [0] * netlist.inputs
    for gate in netlist.gates:
        pins = [pin for pin in (gate.x, gate.y) if pin != NO_WIRE]
        level.append(1 + max(level[pin] for pin in pins) if pins else 0)
    return max(level[wire] for wire in netlist.outputs)


def uniform_operands(netlist: Netlist, vectors: int = VECTORS) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
    now = netlist.evaluate(a, b)[netlist.inputs :]
    following = (now >> np.uint64(1)) | (np.roll(now, -1, axis=1) << np.uint64(63))
    changed = np.ascontiguousarray(now ^ following).view("<u2")
    counted: NDArray[np.int64] = _ONES[changed].sum(axis=1, dtype=np.int64)
    return counted


def unit_cost(netlist: Netlist) -> Cost:
    """Return the cost of a netlist in flow "unit".

    `relative_energy` is the mean over `VECTORS` steps of toggled gates weighted by their transistors,
    `relative_area` the transistors, `relative_delay` the logic depth. Simplify the netlist first: a generator's
    constants and dead gates are not hardware.
    """
    a, b = uniform_operands(netlist)
    weights = np.array([TRANSISTORS[gate.op] for gate in netlist.gates], dtype=np.int64)
    return Cost(
        technology=TECHNOLOGY,
        flow=FLOW,
        power_mw=None,
        area_um2=None,
        delay_ns=None,
        energy_pj=None,
        relative_energy=float(weights @ toggles(netlist, a, b)) / VECTORS,
        relative_area=float(transistors(netlist)),
        relative_delay=float(logic_depth(netlist)),
    )
