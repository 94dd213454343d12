"""Copies of short runs by one vector, as Numba intrinsics: a loop over so few elements costs several times more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def vector_pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, lanes: int) -> Any:
    """Return a pointer to the vector that begins at an index of a flat array."""
    element = context.get_data_type(array_type.dtype)
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), ir.VectorType(element, lanes).as_pointer())


def load_vector(context: Any, builder: Any, array_type: Any, array: Any, index: Any, lanes: int) -> Any:
    """Load the vector that begins at an index of a flat array."""
    pointer = vector_pointer(context, builder, array_type, array, index, lanes)
    return builder.load(pointer, align=array_type.dtype.bitwidth // 8)


def _make(lanes: int) -> Callable[..., None]:
    """Return the intrinsic `copy(source, at, target, to)` of `lanes` entries (flat C arrays of one dtype)."""

    def define(typing_context: Any, source: Any, at: Any, target: Any, to: Any) -> tuple[Any, Any]:
        signature = types.void(source, at, target, to)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            source_type, _, target_type, _ = signature.args
            source, at, target, to = arguments
            vector = load_vector(context, builder, source_type, source, at, lanes)
            pointer = vector_pointer(context, builder, target_type, target, to, lanes)
            builder.store(vector, pointer, align=target_type.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return signature, generate

    return cast(Callable[..., None], intrinsic(define))


copy_8 = _make(8)
copy_16 = _make(16)
copy_32 = _make(32)


def _split(
    typing_context: Any, source: Any, at: Any, even: Any, to_even: Any, odd: Any, to_odd: Any
) -> tuple[Any, Any]:
    """Copy entries 0, 2 .. 14 from `at` on to `even`, the others to `odd` (flat C arrays of one dtype)."""
    signature = types.void(source, at, even, to_even, odd, to_odd)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_types = signature.args
        vector = load_vector(context, builder, array_types[0], arguments[0], arguments[1], 16)
        for number in range(2):
            position = 2 + 2 * number
            index = ir.IntType(32)
            picks = ir.Constant(ir.VectorType(index, 8), [index(2 * lane + number) for lane in range(8)])
            half = builder.shuffle_vector(vector, vector, picks)
            pointer = vector_pointer(
                context, builder, array_types[position], arguments[position], arguments[position + 1], 8
            )
            builder.store(half, pointer, align=array_types[position].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return signature, generate


split_16 = cast(Callable[..., None], intrinsic(_split))
