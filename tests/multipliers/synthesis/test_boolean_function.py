"""Functions of Liberty pins against their truth tables."""

from __future__ import annotations

import contextlib
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnsim.errors import MultiplierError
from agnsim.multipliers.netlists.gates import Op
from agnsim.multipliers.synthesis.boolean_function import emit_function, function_pins

TRUTH = {Op.NOT: lambda x: 1 - x, Op.AND: min, Op.OR: max, Op.XOR: lambda x, y: x ^ y}


def value(text: str, **pins: int) -> int:
    def emit(op: Op, *inputs: int) -> int:
        return {Op.CONST0: 0, Op.CONST1: 1}[op] if not inputs else TRUTH[op](*inputs)

    return emit_function(text, pins, emit)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("!((A & B) | C)", "not ((A and B) or C)"),
        ("(A B)' + C", "not (A and B) or C"),
        ("A ^ B * C", "(A ^ B) and C"),
        ("A + B C", "A or (B and C)"),
        ("!A' B", "A and B"),
        ("!A!B", "not A and not B"),
        ("A*!B + !A*B", "A ^ B"),
        ("1 A", "A"),
        ("(0)", "False"),
    ],
)
def test_precedence(text: str, meaning: str) -> None:
    for a, b, c in product((0, 1), repeat=3):
        assert value(text, A=a, B=b, C=c) == eval(meaning, {"A": a, "B": b, "C": c})


@pytest.mark.parametrize(
    "text", ["", " ", "A &", "& A", "(A", "A)", "()", "!", "'A", "A || B", "A $ B", "D", "2", "A" * 5000]
)
def test_what_is_no_function(text: str) -> None:
    with pytest.raises(MultiplierError, match="function"):
        value(text, A=0, B=0)


def test_depth_needs_no_stack() -> None:
    assert value("(" * 2000 + "A" + ")" * 2000, A=1) == 1
    assert value("!" * 2001 + "A", A=1) == 0


def test_pins_in_order_of_use() -> None:
    assert function_pins("!(B + A B) + 1") == ("B", "A")


@given(st.text("AB01!'&*^+|() ", max_size=20))
def test_any_text_is_a_value_or_an_error(text: str) -> None:
    with contextlib.suppress(MultiplierError):
        assert value(text, A=0, B=1) in (0, 1)
