"""C expressions against an interpreter of C's integer semantics on Python integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.multipliers.importers.c_source import c_netlist

Type = tuple[int, bool]  # width, signed
TYPES: dict[str, Type] = {
    "uint8_t": (8, False),
    "int8_t": (8, True),
    "unsigned char": (8, False),
    "char": (8, True),
    "uint16_t": (16, False),
    "short": (16, True),
    "unsigned short int": (16, False),
    "int": (32, True),
    "unsigned": (32, False),
    "uint32_t": (32, False),
    "long": (64, True),
    "uint64_t": (64, False),
    "long long unsigned": (64, False),
    "size_t": (64, False),
}
INT = (32, True)
RANKS = [["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<", ">", "<=", ">="], ["<<", ">>"], ["+", "-"], ["*"]]
RANK = {operator: rank for rank, operators in enumerate(RANKS) for operator in operators}


def wrap(value: int, ctype: Type) -> int:
    width, signed = ctype
    value &= (1 << width) - 1
    return value - (1 << width) if signed and value >> (width - 1) else value


def promoted(ctype: Type) -> Type:
    return INT if ctype[0] < 32 else ctype


def common(x: Type, y: Type) -> Type:
    x, y = promoted(x), promoted(y)
    width = max(x[0], y[0])
    return width, all(signed for own, signed in (x, y) if own == width)


def literal_type(value: int, suffix: str, base: str) -> Type:
    for width in (64,) if "l" in suffix else (32, 64):
        for signed in (True, False):
            allowed = "u" not in suffix if signed else "u" in suffix or base != "d"
            if allowed and value < 1 << (width - signed):
                return width, signed
    raise AssertionError(value)


def evaluate(tree: Any, variables: dict[str, tuple[Type, int]]) -> tuple[Type, int]:
    """Type and value of an expression."""
    match tree:
        case ("literal", value, suffix, base):
            return literal_type(value, suffix, base), value
        case ("variable", name):
            return variables[name]
        case ("cast", name, inner):
            return TYPES[name], wrap(evaluate(inner, variables)[1], TYPES[name])
        case ("unary", operator, inner):
            ctype, value = evaluate(inner, variables)
            if operator == "!":
                return INT, int(value == 0)
            ctype = promoted(ctype)
            return ctype, wrap({"~": ~value, "-": -value, "+": value}[operator], ctype)
        case ("choice", condition, then, otherwise):
            taken = then if evaluate(condition, variables)[1] else otherwise
            ctype = common(evaluate(then, variables)[0], evaluate(otherwise, variables)[0])
            return ctype, wrap(evaluate(taken, variables)[1], ctype)
        case ("binary", ("<<" | ">>") as operator, left, by):
            ctype, value = evaluate(left, variables)
            ctype, by = promoted(ctype), evaluate(by, variables)[1]
            return ctype, wrap(value << by if operator == "<<" else value >> by, ctype)
        case ("binary", operator, left, right):
            (left_type, x), (right_type, y) = evaluate(left, variables), evaluate(right, variables)
            if operator in ("&&", "||"):
                return INT, int(bool(x) and bool(y)) if operator == "&&" else int(bool(x) or bool(y))
            ctype = common(left_type, right_type)
            x, y = wrap(x, ctype), wrap(y, ctype)
            if RANK[operator] in (RANK["=="], RANK["<"]):
                compared = {"==": x == y, "!=": x != y, "<": x < y, ">": x > y, "<=": x <= y, ">=": x >= y}
                return INT, int(compared[operator])
            results = {"+": x + y, "-": x - y, "*": x * y, "&": x & y, "|": x | y, "^": x ^ y}
            return ctype, wrap(results[operator], ctype)
    raise AssertionError(tree)


def written(tree: Any, rank: int = -1) -> str:
    """C text of an expression, without parentheses that precedence makes superfluous."""
    match tree:
        case ("literal", value, suffix, base):
            return {"d": f"{value}", "x": f"{value:#x}", "b": f"{value:#b}"[:42], "o": f"0{value:o}"}[base] + suffix
        case ("variable", name):
            return str(name)
        case ("cast", name, inner):
            return f"({name}){written(inner, 99)}"
        case ("unary", operator, inner):
            return f"{operator} {written(inner, 99)}"
        case ("choice", condition, then, otherwise):
            text = f"{written(condition, 0)} ? {written(then)} : {written(otherwise)}"
            return f"({text})" if rank >= 0 else text
        case ("binary", operator, left, right):
            own = RANK[operator]
            text = f"{written(left, own)} {operator} {written(right, own + 1)}"
            return f"({text})" if own < rank else text
    raise AssertionError(tree)


names = st.sampled_from(["a", "b", "v", "w"])
literals = st.one_of(
    st.tuples(
        st.just("literal"),
        st.integers(0, 2**31 - 1) | st.integers(0, 9),
        st.sampled_from(["", "u", "L", "ull", "LU"]),
        st.sampled_from("dxo"),
    ),
    st.tuples(st.just("literal"), st.sampled_from([2**31, 2**32 - 1, 2**63, 2**64 - 1]), st.just("U"), st.just("x")),
    st.tuples(st.just("literal"), st.sampled_from([2**31, 2**32 - 1, 2**63 - 1]), st.just(""), st.sampled_from("dx")),
).map(lambda literal: (literal[0], literal[1], literal[2].lower(), literal[3]))
leaves = st.one_of(st.tuples(st.just("variable"), names), literals)
constants = st.integers(0, 31).map(lambda by: ("literal", by, "", "d"))
amounts = st.one_of(constants, names.map(lambda name: ("binary", "&", ("variable", name), ("literal", 7, "", "d"))))


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = [operator for operator in RANK if operator not in ("<<", ">>")]
    return st.one_of(
        st.tuples(st.just("binary"), st.sampled_from(plain), inner, inner),
        st.tuples(st.just("binary"), st.sampled_from(["<<", ">>"]), inner, amounts),
        st.tuples(st.just("unary"), st.sampled_from("~!-+"), inner),
        st.tuples(st.just("cast"), st.sampled_from(list(TYPES)), inner),
        st.tuples(st.just("choice"), inner, inner, inner),
    )


trees = st.recursive(leaves, grown, max_leaves=12)
type_names = st.sampled_from(list(TYPES))
wide_names = st.sampled_from([name for name, (width, _) in TYPES.items() if width >= 32])  # of the operands


BITS_A, BITS_B = 32, 31
EDGES = [0, 1, 2, 5, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**30, 2**31 - 1, 2**31, 2**32 - 1]
RNG = np.random.default_rng(7)
OPERANDS_A = np.array([*EDGES, *EDGES, *RNG.integers(0, 2**BITS_A, 16)])
OPERANDS_B = np.array([*EDGES, *RNG.permutation(EDGES), *RNG.integers(0, 2**BITS_B, 16)]) & (2**BITS_B - 1)


def program(types: list[str], first: Any, second: Any) -> str:
    type_a, type_b, type_v, type_w = types
    return (
        f"uint64_t f({type_a} a, {type_b} b) {{\n"
        f"  {type_v} v = a; {type_w} w = b;\n"
        f"  v = {written(first)};\n"
        f"  uint64_t x = {written(second)};\n"
        f"  return x ^ x >> 63;\n}}"
    )


def expected(types: list[str], first: Any, second: Any, a: int, b: int) -> int:
    type_a, type_b, type_v, type_w = (TYPES[name] for name in types)
    variables = {"a": (type_a, wrap(a, type_a)), "b": (type_b, wrap(b, type_b))}
    variables["v"] = (type_v, wrap(variables["a"][1], type_v))
    variables["w"] = (type_w, wrap(variables["b"][1], type_w))
    variables["v"] = (type_v, wrap(evaluate(first, variables)[1], type_v))
    x = wrap(evaluate(second, variables)[1], (64, False))
    return (x ^ x >> 63) & (2**63 - 1)


def check(types: list[str], first: Any, second: Any, *, signed: bool) -> None:
    text = program(types, first, second)
    netlist = c_netlist(text, function="f", bits_a=BITS_A, bits_b=BITS_B, signed=signed, where="f.c")
    products = [int(product) & (2**63 - 1) for product in netlist.product(OPERANDS_A, OPERANDS_B)]
    pairs = [
        (wrap(int(a), (BITS_A, signed)), wrap(int(b), (BITS_B, signed)))
        for a, b in zip(OPERANDS_A, OPERANDS_B, strict=True)
    ]
    assert products == [expected(types, first, second, a, b) for a, b in pairs], text


@settings(max_examples=100, deadline=None)
@given(
    st.lists(wide_names, min_size=2, max_size=2),
    st.lists(type_names, min_size=2, max_size=2),
    trees,
    trees,
    st.booleans(),
)
def test_expressions_are_those_of_c(ab: list[str], vw: list[str], first: Any, second: Any, signed: bool) -> None:
    check([*ab, *vw], first, second, signed=signed)


MANY_ONES = ("unary", "~", ("binary", "&", ("variable", "a"), ("literal", 7, "", "d")))
V, W = ("variable", "v"), ("variable", "w")
PAIRS = [(v, w) for v in ("uint8_t", "short", "unsigned", "uint64_t") for w in ("int8_t", "uint16_t", "long")]


@pytest.mark.parametrize("operator", [operator for operator in RANK if operator not in ("<<", ">>")])
def test_operators_between_types(operator: str) -> None:
    for v, w in PAIRS:
        check(["int", "int", v, w], MANY_ONES, ("binary", operator, V, W), signed=True)
        check(["int", "int", v, w], MANY_ONES, ("binary", operator, W, V), signed=False)


@pytest.mark.parametrize("v", ["uint8_t", "short", "unsigned", "uint64_t", "long"])
def test_operators_of_one_operand(v: str) -> None:
    seconds = [("unary", operator, V) for operator in "~!-+"]
    seconds += [("cast", name, V) for name in TYPES] + [("choice", W, V, W), ("choice", V, W, ("literal", 1, "u", "d"))]
    seconds += [("binary", operator, V, ("literal", 3, "", "d")) for operator in ("<<", ">>")]
    for second in seconds:
        check(["int", "int", v, "int8_t"], MANY_ONES, second, signed=False)
