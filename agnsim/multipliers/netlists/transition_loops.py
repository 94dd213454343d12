"""Compiled: a netlist over time, 64 steps of the operand stream a machine word."""

from __future__ import annotations

from typing import Any

import numpy as np

from agnsim.compiled import compiled
from agnsim.multipliers.netlists.exhaustive.folding_loops import AND, INVERTED, OR, XOR

BLOCK = 16
"""Words of a wire that are simulated together: all wires of an 8x8 multiplier stay in the second-level cache."""


@compiled
def count_ones(word: Any) -> Any:
    """Return the number of 1 bits of a uint64."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@compiled
def evaluate_gate(kind: int, x: Any, y: Any, out: Any) -> None:
    """Write one gate's output, uint64 `[words]`; a constant's stays as it is."""
    inverted = np.uint64(0xFFFFFFFFFFFFFFFF) if kind >= INVERTED else np.uint64(0)
    plain = kind & 7
    if plain == AND:
        for word in range(len(out)):
            out[word] = (x[word] & y[word]) ^ inverted
    elif plain == OR:
        for word in range(len(out)):
            out[word] = (x[word] | y[word]) ^ inverted
    elif plain == XOR:
        for word in range(len(out)):
            out[word] = (x[word] ^ y[word]) ^ inverted
    else:
        for word in range(len(out)):
            out[word] = x[word] ^ inverted


@compiled
def add_transitions(
    before: Any, after: Any, kinds: Any, xs: Any, ys: Any, delays: Any, first: Any, last: Any, counts: Any
) -> None:
    """Add to `counts` every change of every gate's output while the wires go from `before` to `after`.

    Transport delays: a gate of delay d shows at time t what its inputs made at t - d. The inputs change at time 0.

    Args:
        before: uint64 `[wires, words]`, settled values of the wires; words a multiple of `BLOCK`.
        after: uint64 `[wires, words]`, settled values one step later.
        kinds: uint8 `[gates]`, as in `exhaustive.folding_loops`.
        xs: int32 `[gates]`, first input wire.
        ys: int32 `[gates]`, second input wire.
        delays: int64 `[gates]`, at least 0.
        first: int64 `[wires]`, earliest time at which a wire can change; beyond all `last` where it never does.
        last: int64 `[wires]`, latest such time.
        counts: int64 `[gates]`.
    """
    wires, words = before.shape
    gates = len(kinds)
    inputs = wires - gates
    # The last `depth` values of every wire: that at time t is at t % depth.
    depth = max(1, delays.max()) + 1
    ring = np.empty((depth, wires, BLOCK), np.uint64)
    horizon = last.max()
    for start in range(0, words, BLOCK):
        for slot in range(depth):
            ring[slot] = before[:, start : start + BLOCK]
        for time in range(horizon + 1):
            now, earlier = ring[time % depth], ring[(time - 1) % depth]
            for wire in range(inputs):
                now[wire] = after[wire, start : start + BLOCK]
            for gate in range(gates):
                wire = inputs + gate
                if time < first[wire] or time > last[wire] + depth:
                    continue  # all of the ring holds what the wire was before, or is after
                out = now[wire]
                if time > last[wire]:
                    out[:] = after[wire, start : start + BLOCK]
                    continue
                read = ring[(time - delays[gate]) % depth]
                evaluate_gate(kinds[gate], read[xs[gate]], read[ys[gate]], out)
                previous = earlier[wire]
                changes = np.uint64(0)
                for word in range(BLOCK):
                    changes += count_ones(out[word] ^ previous[word])
                counts[gate] += np.int64(changes)
