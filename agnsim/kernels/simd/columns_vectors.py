"""Vector operations that LLVM lowers to whatever the CPU has (AVX-512, AVX2, NEON, ...); no compiler needed.

Written as Numba intrinsics, because the loops need loads, a transposition and one store whose order LLVM cannot prove
free of aliasing by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from agnsim.kernels.vector_copies import load_vector, vector_pointer

LANES = 16
"""Outputs that one vector operation serves."""

TERMS = 4
"""Products added between one load and one store of the sums."""


def _operation(define: Callable[..., Any]) -> Callable[..., None]:
    """Make an intrinsic; the typing context is Numba's affair, callers leave it out."""
    return cast(Callable[..., None], intrinsic(define))


@_operation
def add_products(
    typing_context: Any, sums: Any, at: Any, products: Any, row0: Any, row1: Any, row2: Any, row3: Any
) -> tuple[Any, Any]:
    """Add `products[row : row + LANES]` of four rows to `sums[at : at + LANES]` (flat C arrays, integers wrap)."""
    signature = types.void(sums, at, products, row0, row1, row2, row3)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums_type, _, products_type = signature.args[:3]
        sums, at, products, *rows = arguments
        wide = ir.VectorType(context.get_data_type(sums_type.dtype), LANES)
        widen = builder.sext if products_type.dtype.signed else builder.zext
        total = load_vector(context, builder, sums_type, sums, at, LANES)
        for row in rows:
            loaded = load_vector(context, builder, products_type, products, row, LANES)
            narrower = products_type.dtype.bitwidth < sums_type.dtype.bitwidth
            total = builder.add(total, widen(loaded, wide) if narrower else loaded)
        target = vector_pointer(context, builder, sums_type, sums, at, LANES)
        builder.store(total, target, align=sums_type.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return signature, generate


@_operation
def transpose_tile(
    typing_context: Any, table: Any, starts: Any, lane: Any, code: Any, products: Any, at: Any
) -> tuple[Any, Any]:
    """Write `products[at + c * LANES + j] = table[starts[lane + j] + code + c]` for a square of c and j.

    The square's side is 16 for two-byte entries, 8 for four-byte ones: 32-byte vectors, transposed by perfect shuffles.
    """
    signature = types.void(table, starts, lane, code, products, at)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table_type, starts_type, _, _, products_type, _ = signature.args
        table, starts, lane, code, products, at = arguments
        side = tile_side(table_type.dtype.bitwidth)
        word = at.type
        vectors = []
        for j in range(side):
            data = context.make_array(starts_type)(context, builder, starts).data
            start = builder.load(builder.gep(data, [builder.add(lane, word(j))]))
            vectors.append(load_vector(context, builder, table_type, table, builder.add(start, code), side))
        half = side // 2
        masks = []
        for first in (0, half):
            picks = [first + pair + other for pair in range(half) for other in (0, side)]
            index = ir.IntType(32)
            masks.append(ir.Constant(ir.VectorType(index, side), [index(pick) for pick in picks]))
        for _ in range(side.bit_length() - 1):
            vectors = [
                builder.shuffle_vector(vectors[i], vectors[i + half], mask) for i in range(half) for mask in masks
            ]
        for c, vector in enumerate(vectors):
            target = vector_pointer(context, builder, products_type, products, builder.add(at, word(c * LANES)), side)
            builder.store(vector, target, align=products_type.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return signature, generate


def tile_side(bits: int) -> int:
    """Return the side of the squares that `transpose_tile` moves, for entries of that many bits."""
    return 256 // bits
