"""Whether two netlists compute the same product: all operand pairs, or a proof by ABC where those are too many."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import MultiplierError
from agnsim.multipliers.netlist import Netlist
from agnsim.multipliers.netlist_cost import Operands, uniform_operands
from agnsim.multipliers.synthesis.abc import run_script
from agnsim.multipliers.synthesis.blif import to_blif
from agnsim.multipliers.synthesis.process import last_words

EXHAUSTIVE_BITS = 18
_BLOCK_BITS = 16


def difference(source: Netlist, other: Netlist) -> str | None:
    """Return what two circuits of the same operands differ in, or `None` where they are equal.

    Up to `EXHAUSTIVE_BITS` operand bits all pairs are compared; of more, random and corner pairs are, and ABC proves
    the rest (combinational equivalence checking).

    Raises:
        MultiplierError: ABC could not decide.
    """
    if len(source.outputs) != len(other.outputs):
        return f"{len(source.outputs)} product bits became {len(other.outputs)}"
    if source.inputs <= EXHAUSTIVE_BITS:
        step = 2 ** min(_BLOCK_BITS, source.inputs)
        for start in range(0, 2**source.inputs, step):
            pair = np.arange(start, start + step, dtype=np.int64)
            if found := _first_difference(source, other, (pair >> source.bits_b, pair)):
                return found
        return None
    for operands in (uniform_operands(source), corner_operands(source)):
        if found := _first_difference(source, other, operands):
            return found
    return None if proven_equal(source, other) else "ABC found operands that they differ for"


def corner_operands(netlist: Netlist) -> Operands:
    """Return all pairs of the patterns at the ends of the operands' ranges: int64 `[N]` each."""
    corners = []
    for bits in (netlist.bits_a, netlist.bits_b):
        top = 1 << bits
        patterns = {0, 1, 2, 3, top >> 1, (top >> 1) - 1, (top >> 1) + 1, top - 1, top - 2}
        corners.append(np.array(sorted({pattern % top for pattern in patterns}), dtype=np.int64))
    a, b = np.meshgrid(*corners, indexing="ij")
    return a.ravel(), b.ravel()


def proven_equal(source: Netlist, other: Netlist) -> bool:
    """Return whether two circuits are equal for all operands, by ABC's `cec`.

    Raises:
        MultiplierError: ABC could not decide.
    """
    with tempfile.TemporaryDirectory(prefix="agnsim-abc-") as scratch:
        folder = Path(scratch)
        for name, netlist in (("source.blif", source), ("other.blif", other)):
            (folder / name).write_text(to_blif(netlist), encoding="ascii")
        _, log = run_script(folder, ["cec source.blif other.blif"])
    if "Networks are equivalent" in log:
        return True
    if "Networks are NOT EQUIVALENT" in log:
        return False
    raise MultiplierError(f"ABC could not decide whether two circuits are equal: {last_words(log)}")


def _first_difference(source: Netlist, other: Netlist, operands: Operands) -> str | None:
    a, b = operands
    words = [netlist.evaluate(a, b)[list(netlist.outputs)] for netlist in (source, other)]
    differing: NDArray[np.uint64] = np.bitwise_or.reduce(words[0] ^ words[1], axis=0)
    bits = np.unpackbits(differing.view(np.uint8), bitorder="little", count=len(a))
    if not bits.any():
        return None
    at = int(bits.argmax())
    patterns = int(a[at]) & (2**source.bits_a - 1), int(b[at]) & (2**source.bits_b - 1)
    products = [int(netlist.product(a[at : at + 1], b[at : at + 1])[0]) for netlist in (source, other)]
    return f"the product of the patterns {patterns[0]} and {patterns[1]} is {products[1]}, not {products[0]}"
