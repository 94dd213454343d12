"""Every transition of every gate, glitches included, in a simulation with unit delays.

Source of the model: A. Ghosh, S. Devadas, K. Keutzer, J. White, "Estimation of average switching activity in
combinational and sequential circuits", DAC 1992 (general delay model).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.netlists.exhaustive.rows import gate_arrays
from agnsim.multipliers.netlists.gates import NO_WIRE, UNIT_DELAYS
from agnsim.multipliers.netlists.netlist import Netlist, following


def all_transitions(
    netlist: Netlist, a: NDArray[Any], b: NDArray[Any], delays: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """Count all changes of every gate's output while a stream of operand pairs is applied, repeated cyclically.

    All operand bits change at once; a pulse passes a gate whatever its width (transport delay), so the count is an
    upper estimate of what a circuit without skew does.

    Args:
        netlist: The circuit.
        a: Integers `[N]`, bit patterns of the first operand; N a multiple of 64.
        b: Integers `[N]`, bit patterns of the second operand.
        delays: Delay of every gate, at least 0; `UNIT_DELAYS` of its kind by default.

    Returns:
        int64 `[len(netlist.gates)]`: changes over the N steps (the last step returns to the first pair).

    Raises:
        ValueError: N is not a positive multiple of 64.
    """
    from agnsim.multipliers.netlists.transition_loops import BLOCK, add_transitions

    if len(a) == 0 or len(a) % 64:
        raise ValueError(f"transitions are counted over a multiple of 64 operand pairs, not {len(a)}")
    counts = np.zeros(len(netlist.gates), dtype=np.int64)
    if not netlist.gates:
        return counts
    steps = np.array(delays if delays is not None else [UNIT_DELAYS[gate.op] for gate in netlist.gates], np.int64)
    before = netlist.evaluate(a, b).astype(np.uint64, copy=False)
    after = following(before)
    # Words beyond the stream repeat its last values, settled, so that nothing changes in them.
    padding = ((0, 0), (0, -before.shape[1] % BLOCK))
    before = np.pad(before, padding, mode="edge")
    after = np.concatenate([after, before[:, after.shape[1] :]], axis=1)
    kinds, xs, ys, _ = gate_arrays(netlist)
    first, last = _windows(netlist, steps)
    add_transitions(before, after, kinds, np.maximum(xs, 0), np.maximum(ys, 0), steps, first, last, counts)
    return counts


def _windows(netlist: Netlist, delays: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the earliest and latest time, int64 `[wires]`, at which every wire can change."""
    wires = netlist.inputs + len(netlist.gates)
    first, last = np.zeros(wires, np.int64), np.zeros(wires, np.int64)
    never = int(delays.sum()) + 1
    for wire, (gate, delay) in enumerate(zip(netlist.gates, delays, strict=True), start=netlist.inputs):
        pins = [pin for pin in (gate.x, gate.y) if pin != NO_WIRE and first[pin] < never]
        first[wire] = delay + min(first[pin] for pin in pins) if pins else never
        last[wire] = delay + max(last[pin] for pin in pins) if pins else 0
    return first, last
