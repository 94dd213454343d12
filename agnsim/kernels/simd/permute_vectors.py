"""The byte-permute kernel: 64 activation codes look one weight's products up with two to four instructions.

A Numba intrinsic that emits LLVM's own vector operations and AVX-512 VBMI's `vpermi2b`; no compiler needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

VECTOR = 64
"""Codes in one vector."""

ROW = 512
"""Bytes of a weight's row: the low bytes of its products for 256 codes, then the high bytes."""

MAX_TERMS = 256
"""Terms whose bytes 16 bits hold the sum of: 256 * 255 < 2**16."""

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_BYTES = ir.VectorType(_I8, VECTOR)
_WORDS = ir.VectorType(_I16, VECTOR // 2)
_SUMS = ir.VectorType(_I32, VECTOR // 2)
_INTERLEAVED = ir.Constant(
    ir.VectorType(_I32, VECTOR), [_I32(lane // 2 + VECTOR // 2 * (lane % 2)) for lane in range(VECTOR)]
)


def _word(value: int) -> ir.Constant:
    return ir.Constant(_I64, value)


def _splat(vector: ir.VectorType, value: int) -> ir.Constant:
    return ir.Constant(vector, [ir.Constant(vector.element, value)] * vector.count)


def _spread(builder: ir.IRBuilder, value: Any, vector: ir.VectorType) -> Any:
    """Return a 64-bit value in every lane, truncated to the lane's width."""
    narrow = value if vector.element == _I64 else builder.trunc(value, vector.element)
    single = builder.insert_element(ir.Constant(vector, ir.Undefined), narrow, _I32(0))
    zeros = ir.Constant(ir.VectorType(_I32, vector.count), [_I32(0)] * vector.count)
    return builder.shuffle_vector(single, single, zeros)


def _make(vectors: int, halves: int) -> Callable[..., None]:
    """Return the intrinsic for n = 64 * `vectors` positions and codes below `128 * halves`.

    It adds to `sums[sums_at + p]`, or where `is_first` to `start_value` instead, `2**left` times the sum over at most
    `MAX_TERMS` terms k of the products that code `codes[codes_at + k * n + p]` has in the row at
    `starts[starts_at + k]`: 256 low bytes, then 256 high bytes. Flat arrays; sums wrap.

    Bytes at even and odd positions of a vector are added in 16-bit lanes of their own: `whole` adds pairs of bytes as
    they are and wraps, `odd` adds the upper byte of each pair exactly, and the lower one is the difference.
    """

    def define(
        typing_context: Any,
        codes: Any,
        codes_at: Any,
        rows: Any,
        starts: Any,
        starts_at: Any,
        terms: Any,
        is_first: Any,
        start_value: Any,
        left: Any,
        sums: Any,
        sums_at: Any,
    ) -> Any:
        index = types.int64
        signature = types.void(codes, index, rows, starts, index, index, types.boolean, index, index, sums, index)

        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            array_types = signature.args

            def data(index: int, offset: Any) -> Any:
                base = context.make_array(array_types[index])(context, builder, arguments[index]).data
                return builder.gep(base, [offset])

            def load(base: Any, offset: Any) -> Any:
                return builder.load(builder.bitcast(builder.gep(base, [offset]), _BYTES.as_pointer()), align=1)

            code_base, row_base = data(0, arguments[1]), data(2, _word(0))
            start_base, target = data(3, arguments[4]), data(9, arguments[10])
            count, is_first, start_value, left = arguments[5:9]
            before = builder.block
            loop = builder.append_basic_block("terms")
            after = builder.append_basic_block("after")
            builder.branch(loop)

            builder.position_at_end(loop)
            k = builder.phi(_I64)
            k.add_incoming(_word(0), before)
            totals = [builder.phi(_WORDS) for _ in range(4 * vectors)]
            for total in totals:
                total.add_incoming(_splat(_WORDS, 0), before)
            row = builder.load(builder.gep(start_base, [k]))
            planes = [
                [
                    load(row_base, builder.add(row, _word(plane * ROW // 2 + part * VECTOR)))
                    for part in range(2 * halves)
                ]
                for plane in range(2)
            ]
            updated = []
            for vector in range(vectors):
                code = load(code_base, builder.add(builder.mul(k, _word(VECTOR * vectors)), _word(VECTOR * vector)))
                for plane, parts in enumerate(planes):
                    pairs = builder.bitcast(_look_up(builder, code, parts), _WORDS)
                    whole, odd = totals[4 * vector + 2 * plane : 4 * vector + 2 * plane + 2]
                    updated.append(builder.add(whole, pairs))
                    updated.append(builder.add(odd, builder.lshr(pairs, _splat(_WORDS, 8))))
            following = builder.add(k, _word(1))
            k.add_incoming(following, loop)
            for total, value in zip(totals, updated, strict=True):
                total.add_incoming(value, loop)
            builder.cbranch(builder.icmp_signed("<", following, count), loop, after)

            builder.position_at_end(after)
            sum_type = array_types[9].dtype
            result = ir.VectorType(context.get_data_type(sum_type), VECTOR)
            begin, by = (_spread(builder, value, result) for value in (start_value, left))
            for vector in range(vectors):
                low, high = (_by_byte(builder, *updated[4 * vector + i : 4 * vector + i + 2]) for i in (0, 2))
                even, odd = (builder.add(low[i], builder.shl(high[i], _splat(_SUMS, 8))) for i in range(2))
                total = builder.shuffle_vector(even, odd, _INTERLEAVED)
                if sum_type.bitwidth == 64:
                    total = builder.zext(total, result)
                place = builder.bitcast(builder.gep(target, [_word(VECTOR * vector)]), result.as_pointer())
                align = sum_type.bitwidth // 8
                onto = builder.select(is_first, begin, builder.load(place, align=align))
                builder.store(builder.add(onto, builder.shl(total, by)), place, align=align)
            return context.get_dummy_value()

        return signature, generate

    return cast(Callable[..., None], intrinsic(define))


def _look_up(builder: ir.IRBuilder, code: Any, parts: list[Any]) -> Any:
    """Return the bytes that 64 codes have in a table of two or four vectors."""
    permute = builder.module.declare_intrinsic(
        "llvm.x86.avx512.vpermi2var.qi.512", (), ir.FunctionType(_BYTES, [_BYTES, _BYTES, _BYTES])
    )
    found = builder.call(permute, [parts[0], code, parts[1]])
    if len(parts) == 2:
        return found
    upper = builder.call(permute, [parts[2], code, parts[3]])
    return builder.select(builder.icmp_signed("<", code, _splat(_BYTES, 0)), upper, found)


def _by_byte(builder: ir.IRBuilder, whole: Any, odd: Any) -> list[Any]:
    """Return the sums of the even and of the odd bytes, 32-bit lanes."""
    even = builder.sub(whole, builder.shl(odd, _splat(_WORDS, 8)))
    return [builder.zext(half, _SUMS) for half in (even, odd)]


add_256 = _make(4, 2)
add_256_below_128 = _make(4, 1)
add_64 = _make(1, 2)
add_64_below_128 = _make(1, 1)
