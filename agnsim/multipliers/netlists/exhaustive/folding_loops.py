"""Compiled: a netlist with one operand fixed, as a short program over few slots."""

from __future__ import annotations

from typing import Any

from agnsim.compiled import compiled

# Gates as the compiled loops know them; a gate of kind k + INVERTED has the output of kind k inverted.
AND, OR, XOR, BUF, CONST0 = 0, 1, 2, 3, 4
INVERTED = 8
# What a wire carries when it is not another wire.
ZERO, ONE = -1, -2


@compiled
def fold(
    a: int,
    bits_a: int,
    bits_b: int,
    kinds: Any,
    xs: Any,
    ys: Any,
    outputs: Any,
    carries: Any,
    folded: Any,
    uses: Any,
    slots: Any,
    free: Any,
    program: Any,
    output_slots: Any,
) -> int:
    """Write the program for one value of the first operand; return its length.

    Args:
        a: Bit pattern of the first operand.
        bits_a: Its width.
        bits_b: Width of the second operand.
        kinds: uint8 `[G]`, kind of every gate.
        xs: int32 `[G]`, first input wire.
        ys: int32 `[G]`, second input wire.
        outputs: int32 `[P]`, wires of the product.
        carries: Scratch int32 `[wires]`: the wire that a wire equals, `ZERO` or `ONE`.
        folded: Scratch int32 `[G, 3]`: kind and inputs of gates that remain.
        uses: Scratch int32 `[wires]`.
        slots: Scratch int32 `[wires]`.
        free: Scratch int32 `[wires]`: slots that can be written again.
        program: Result int32 `[G, 4]`: kind, slots of both inputs and of the output. The second operand's bits are
            in slots `0 .. bits_b - 1`.
        output_slots: Result int32 `[P]`: slot of every product bit, `ZERO` or `ONE`.
    """
    inputs = bits_a + bits_b
    gates = len(kinds)
    for place in range(bits_a):
        carries[place] = ONE if (a >> place) & 1 else ZERO
    for wire in range(bits_a, inputs):
        carries[wire] = wire
    for gate in range(gates):
        wire = inputs + gate
        kind = kinds[gate] & 7
        inverted = kinds[gate] >= INVERTED
        x = carries[xs[gate]] if kind != CONST0 else ZERO
        y = carries[ys[gate]] if kind <= XOR else x
        result = wire  # a gate of its own unless a rule below finds something simpler
        folded[gate, 0] = kinds[gate]
        folded[gate, 1] = x
        folded[gate, 2] = y
        if kind == AND:
            if x == ZERO or y == ZERO:
                result = ZERO
            elif x in (ONE, y):
                result = y
            elif y == ONE:
                result = x
        elif kind == OR:
            if x == ONE or y == ONE:
                result = ONE
            elif x in (ZERO, y):
                result = y
            elif y == ZERO:
                result = x
        elif kind == XOR:
            if x == y:
                result = ZERO
            elif x == ZERO:
                result = y
            elif y == ZERO:
                result = x
            elif x == ONE or y == ONE:
                other = y if x == ONE else x
                if other in (ZERO, ONE):
                    result = ONE if other == ZERO else ZERO
                else:
                    result = other
                    inverted = not inverted
        else:
            result = x
        if result != wire and inverted:
            if result in (ZERO, ONE):
                result = ONE if result == ZERO else ZERO
            else:
                folded[gate, 0] = BUF + INVERTED
                folded[gate, 1] = result
                folded[gate, 2] = result
                result = wire
        carries[wire] = result
    for wire in range(inputs + gates):
        uses[wire] = 0
    for place in range(len(outputs)):
        wire = carries[outputs[place]]
        if wire >= 0:
            uses[wire] += 1
    for gate in range(gates - 1, -1, -1):
        wire = inputs + gate
        if carries[wire] == wire and uses[wire]:
            uses[folded[gate, 1]] += 1
            if folded[gate, 2] != folded[gate, 1]:
                uses[folded[gate, 2]] += 1
    for place in range(bits_b):
        slots[bits_a + place] = place
        uses[bits_a + place] += 1  # the operand's own slots are never written
    length, available, used = 0, 0, bits_b
    for gate in range(gates):
        wire = inputs + gate
        if carries[wire] != wire or not uses[wire]:
            continue
        x, y = folded[gate, 1], folded[gate, 2]
        # Taken before the inputs' slots are given back: the loops below may assume that it is neither of them.
        if available:
            available -= 1
            slot = free[available]
        else:
            slot = used
            used += 1
        slots[wire] = slot
        program[length, 0] = folded[gate, 0]
        program[length, 1] = slots[x]
        program[length, 2] = slots[y]
        program[length, 3] = slot
        length += 1
        uses[x] -= 1
        if not uses[x]:
            free[available] = slots[x]
            available += 1
        if y != x:
            uses[y] -= 1
            if not uses[y]:
                free[available] = slots[y]
                available += 1
    for place in range(len(outputs)):
        wire = carries[outputs[place]]
        output_slots[place] = slots[wire] if wire >= 0 else wire
    return length
