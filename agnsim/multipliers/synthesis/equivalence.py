"""Whether netlists compute the same product: all operand pairs, or a proof by ABC where those are too many."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import MultiplierError
from agnsim.multipliers.netlists.netlist import MAX_TABLE_BITS, Netlist
from agnsim.multipliers.netlists.netlist_cost import Operands, uniform_operands
from agnsim.multipliers.synthesis.abc import run_script
from agnsim.multipliers.synthesis.blif import to_blif
from agnsim.multipliers.synthesis.process import last_words
from agnsim.types import Int32Array

PROOF_SECONDS = 60.0
_BLOCK_BITS = 16
_FEW_BLOCKS_BITS = 18


class Undecided(MultiplierError):
    """ABC could neither prove nor refute that two circuits are equal."""


class EqualTo:
    """Compares circuits with one source.

    Up to 24 operand bits all pairs are compared; of more, random and corner pairs are, and ABC proves the rest
    (combinational equivalence checking).

    Args:
        source: What the others shall be equal to.
    """

    def __init__(self, source: Netlist) -> None:
        self.source = source

    def difference(self, other: Netlist) -> str | None:
        """Return what a circuit of the same operands differs in, or `None` where it is equal.

        Raises:
            Undecided: ABC could not decide.
            MissingDependency: There are more than 24 operand bits, and ABC is not installed.
        """
        source = self.source
        if len(source.outputs) != len(other.outputs):
            return f"{len(source.outputs)} product bits became {len(other.outputs)}"
        if source.inputs <= _FEW_BLOCKS_BITS:
            step = 2 ** min(_BLOCK_BITS, source.inputs)
            for start in range(0, 2**source.inputs, step):
                pair = np.arange(start, start + step, dtype=np.int64)
                if found := _first_difference(source, other, (pair >> source.bits_b, pair)):
                    return found
            return None
        if source.inputs <= MAX_TABLE_BITS and source.fits_int32:
            differs = self._table != other.table()
            a, b = np.unravel_index([differs.argmax()], differs.shape)
            return _first_difference(source, other, (a, b))
        for operands in (uniform_operands(source), corner_operands(source)):
            if found := _first_difference(source, other, operands):
                return found
        return None if proven_equal(source, other) else "ABC found operands that they differ for"

    @cached_property
    def _table(self) -> Int32Array:
        return self.source.table()


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
        Undecided: ABC could not decide.
        MissingDependency: ABC is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="agnsim-abc-") as scratch:
        folder = Path(scratch)
        for name, netlist in (("source.blif", source), ("other.blif", other)):
            (folder / name).write_text(to_blif(netlist), encoding="ascii")
        try:
            _, log = run_script(folder, ["cec source.blif other.blif"], seconds=PROOF_SECONDS)
        except MultiplierError as error:
            raise Undecided(f"whether two circuits are equal: {error}") from error
    if "Networks are equivalent" in log:
        return True
    if "Networks are NOT EQUIVALENT" in log:
        return False
    raise Undecided(f"ABC could not decide whether two circuits are equal: {last_words(log)}")


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
