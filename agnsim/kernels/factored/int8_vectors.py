"""The vector operations of the 8-bit path: dot products of bytes (AVX-512 VNNI), codes mapped by byte-permutes (VBMI).

Numba intrinsics that emit LLVM's own operations; no compiler needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16
"""Positions of one vector: 16 sums of 32 bits, 16 times four bytes."""

MAPPED = 64
"""Positions that one mapping writes: four vectors of 64 codes in, four vectors of interleaved bytes out."""

_I8, _I32, _I64 = (ir.IntType(bits) for bits in (8, 32, 64))
_BYTES = ir.VectorType(_I8, 64)
_SUMS = ir.VectorType(_I32, LANES)


def _word(value: int) -> ir.Constant:
    return ir.Constant(_I64, value)


def _data(context: Any, builder: ir.IRBuilder, array_type: Any, array: Any, at: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [at])


def _spread(builder: ir.IRBuilder, value: Any, vector: ir.VectorType) -> Any:
    single = builder.insert_element(ir.Constant(vector, ir.Undefined), value, _I32(0))
    zeros = ir.Constant(ir.VectorType(_I32, vector.count), [_I32(0)] * vector.count)
    return builder.shuffle_vector(single, single, zeros)


def _dot(builder: ir.IRBuilder, sums: Any, unsigned: Any, signed: Any) -> Any:
    """Return `sums` plus the dot products of four unsigned with four signed bytes; nothing saturates."""
    # LLVM 22 declares the operands as bytes, earlier ones as 32-bit lanes.
    operand = _BYTES if llvmlite.binding.llvm_version_info[0] >= 22 else _SUMS
    function = builder.module.declare_intrinsic(
        "llvm.x86.avx512.vpdpbusd.512", (), ir.FunctionType(_SUMS, [_SUMS, operand, operand])
    )
    return builder.call(function, [sums, builder.bitcast(unsigned, operand), builder.bitcast(signed, operand)])


def _make_dot(vectors: int, outputs: int) -> Callable[..., None]:
    """Return the intrinsic for `vectors` vectors of positions and `outputs` outputs at once.

    With `origin[v] = origins[vectors_at + v]` and `place[v] = places[vectors_at + v]`, it sets
    `result[to + place[v] + j * step + lane]` to `starts[starts_at + j]`, or where it is not `is_first` leaves it, and
    adds `scale` times the sum over `count` fields f and four bytes c of `source[origin[v] + fields[f] + 4 * lane + c]`,
    unsigned, times byte c of `weights[weights_at + f * outputs + j]`, signed. Flat arrays; sums wrap.
    """

    def define(
        typing_context: Any,
        source: Any,
        origins: Any,
        vectors_at: Any,
        fields: Any,
        count: Any,
        weights: Any,
        weights_at: Any,
        is_first: Any,
        starts: Any,
        starts_at: Any,
        scale: Any,
        result: Any,
        places: Any,
        to: Any,
        step: Any,
    ) -> Any:
        index = types.int64
        signature = types.void(
            source,
            origins,
            index,
            fields,
            index,
            weights,
            index,
            types.boolean,
            starts,
            index,
            index,
            result,
            places,
            index,
            index,
        )

        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            array_types = signature.args
            zero = _word(0)

            def data(index: int, at: Any) -> Any:
                return _data(context, builder, array_types[index], arguments[index], at)

            source, fields, weights = data(0, zero), data(3, zero), data(5, arguments[6])
            origin_list, place_list = data(1, arguments[2]), data(12, arguments[2])
            origins, places = (
                [builder.load(builder.gep(base, [_word(v)])) for v in range(vectors)]
                for base in (origin_list, place_list)
            )
            bases = [builder.gep(source, [origin]) for origin in origins]
            count, is_first, scale, step = arguments[4], arguments[7], arguments[10], arguments[14]
            before = builder.block
            loop = builder.append_basic_block("fields")
            after = builder.append_basic_block("after")
            builder.branch(loop)

            builder.position_at_end(loop)
            field = builder.phi(_I64)
            field.add_incoming(zero, before)
            sums = [[builder.phi(_SUMS) for _ in range(vectors)] for _ in range(outputs)]
            for row in sums:
                for total in row:
                    total.add_incoming(ir.Constant(_SUMS, [_I32(0)] * LANES), before)
            offset = builder.load(builder.gep(fields, [field]))
            operands = [
                builder.load(builder.bitcast(builder.gep(base, [offset]), _BYTES.as_pointer()), align=1)
                for base in bases
            ]
            weight_at = builder.mul(field, _word(outputs))
            updated = []
            for j, row in enumerate(sums):
                weight = builder.load(builder.gep(weights, [builder.add(weight_at, _word(j))]))
                four = _spread(builder, weight, _SUMS)
                updated.append([_dot(builder, total, x, four) for total, x in zip(row, operands, strict=True)])
            following = builder.add(field, _word(1))
            field.add_incoming(following, loop)
            for row, values in zip(sums, updated, strict=True):
                for total, value in zip(row, values, strict=True):
                    total.add_incoming(value, loop)
            builder.cbranch(builder.icmp_signed("<", following, count), loop, after)

            builder.position_at_end(after)
            sum_type = array_types[11].dtype
            element = context.get_data_type(sum_type)
            lanes = ir.VectorType(element, LANES)
            target, starts = data(11, arguments[13]), data(8, arguments[9])

            def narrow(value: Any) -> Any:
                return value if sum_type.bitwidth == 64 else builder.trunc(value, element)

            factor = _spread(builder, narrow(scale), lanes)
            for j, row in enumerate(updated):
                begin = _spread(builder, narrow(builder.load(builder.gep(starts, [_word(j)]))), lanes)
                at_output = builder.gep(target, [builder.mul(step, _word(j))])
                for place, total in zip(places, row, strict=True):
                    wide = builder.sext(total, lanes) if sum_type.bitwidth == 64 else total
                    pointer = builder.bitcast(builder.gep(at_output, [place]), lanes.as_pointer())
                    align = sum_type.bitwidth // 8
                    onto = builder.select(is_first, begin, builder.load(pointer, align=align))
                    builder.store(builder.add(onto, builder.mul(wide, factor)), pointer, align=align)
            return context.get_dummy_value()

        return signature, generate

    return cast(Callable[..., None], intrinsic(define))


dot_4x4 = _make_dot(4, 4)
dot_4x1 = _make_dot(4, 1)
dot_1x4 = _make_dot(1, 4)
dot_1x1 = _make_dot(1, 1)


def _map_four(
    typing_context: Any, codes: Any, at: Any, step: Any, mask: Any, table: Any, table_at: Any, mapped: Any, to: Any
) -> Any:
    """Set `mapped[to + 4 * p + c] = table[table_at + (codes[at + c * step + p] & mask)]` for 64 positions p, four c."""
    index = types.int64
    signature = types.void(codes, index, index, index, table, index, mapped, index)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        array_types = signature.args
        codes = _data(context, builder, array_types[0], arguments[0], arguments[1])
        table = _data(context, builder, array_types[4], arguments[4], arguments[5])
        target = _data(context, builder, array_types[6], arguments[6], arguments[7])

        def load(base: Any, offset: Any) -> Any:
            return builder.load(builder.bitcast(builder.gep(base, [offset]), _BYTES.as_pointer()), align=1)

        permute = builder.module.declare_intrinsic(
            "llvm.x86.avx512.vpermi2var.qi.512", (), ir.FunctionType(_BYTES, [_BYTES, _BYTES, _BYTES])
        )
        parts = [load(table, _word(64 * part)) for part in range(4)]
        mask = _spread(builder, builder.trunc(arguments[3], _I8), _BYTES)
        zeros = ir.Constant(_BYTES, [_I8(0)] * 64)
        found = []
        for c in range(4):
            code = builder.and_(load(codes, builder.mul(arguments[2], _word(c))), mask)
            low, high = (builder.call(permute, [parts[i], code, parts[i + 1]]) for i in (0, 2))
            found.append(builder.select(builder.icmp_signed("<", code, zeros), high, low))

        def interleave(one: Any, other: Any, half: int) -> Any:
            count = one.type.count
            picks = [half * count // 2 + lane // 2 + count * (lane % 2) for lane in range(count)]
            mask = ir.Constant(ir.VectorType(_I32, count), [_I32(pick) for pick in picks])
            return builder.shuffle_vector(one, other, mask)

        words = ir.VectorType(ir.IntType(16), 32)
        for half in range(2):
            evens = builder.bitcast(interleave(found[0], found[1], half), words)
            odds = builder.bitcast(interleave(found[2], found[3], half), words)
            for quarter in range(2):
                four = builder.bitcast(interleave(evens, odds, quarter), _BYTES)
                place = builder.gep(target, [_word(128 * half + 64 * quarter)])
                builder.store(four, builder.bitcast(place, _BYTES.as_pointer()), align=1)
        return context.get_dummy_value()

    return signature, generate


map_four = cast(Callable[..., None], intrinsic(_map_four))
