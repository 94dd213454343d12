"""Circuits written out as C in the ways that published libraries use, read back."""

from __future__ import annotations

import numpy as np
import pytest

from agnsim.multipliers import Netlist
from agnsim.multipliers.constructions.partial_products import partial_product_netlist
from agnsim.multipliers.exact import exact_products
from agnsim.multipliers.importers.c_source import c_netlist, read_c_functions
from agnsim.multipliers.netlists.gates import Op
from agnsim.types import Int32Array

HEAD = "// MAE% = 0.1 %\n#include <stdint.h>\n#include <stdlib.h>\n\n"
FORMULAS = {
    Op.CONST0: "0",
    Op.CONST1: "1",
    Op.BUF: "{x}",
    Op.AND: "{x}&{y}",
    Op.OR: "{x}|{y}",
    Op.XOR: "{x}^{y}",
    Op.NOT: "{inverted}{x}",
    Op.NAND: "{inverted}({x}&{y})",
    Op.NOR: "{inverted}({x}|{y})",
    Op.XNOR: "{inverted}({x}^{y})",
}
ALL_ONES = "0xFFFFFFFFFFFFFFFFU^"


def straight_line(netlist: Netlist, head: str, *, wire: str, inverted: str) -> str:
    """One assignment a gate; operands A and B, one wire a variable of the type `wire`."""
    names = [
        f"(({port} >> {i})&1)" for port, bits in (("A", netlist.bits_a), ("B", netlist.bits_b)) for i in range(bits)
    ]
    lines = []
    for number, (op, x, y) in enumerate(netlist.gates):
        names.append(f"n{number}")
        lines.append(f"  n{number} = {FORMULAS[op].format(x=names[x], y=names[y], inverted=inverted)};")
    declared = f"  {wire} {', '.join(names[netlist.inputs :])};\n" if netlist.gates else ""
    outputs = [f"  O |= ({names[wire]} & 1) << {place};" for place, wire in enumerate(netlist.outputs)]
    return f"{HEAD}{head}\n{{\n{declared}  uint64_t O;   int avg=0;\n" + "\n".join(
        [*lines, "  O = 0;", *outputs, "  return O;", "}", ""]
    )


def approximate(bits_a: int, bits_b: int, *, signed: bool) -> Netlist:
    """A multiplier that treats its operands differently."""
    return partial_product_netlist(bits_a, bits_b, signed=signed, keep=lambda i, j: i + 2 * j > 3, constant=5)


def read(text: str, bits_a: int, bits_b: int, *, signed: bool, function: str = "f") -> Int32Array:
    return c_netlist(text, function=function, bits_a=bits_a, bits_b=bits_b, signed=signed, where="f.c").table()


@pytest.mark.parametrize(
    ("head", "wire", "inverted"),
    [
        ("uint64_t f(const uint64_t A,const uint64_t B)", "uint64_t", ALL_ONES),
        ("uint64_t f(const uint64_t B,const uint64_t A)", "uint64_t", ALL_ONES),
        ("uint16_t f(uint8_t A, uint8_t B)", "uint8_t", "~"),
        ("uint16_t f(uint8_t A, uint8_t B)", "uint8_t", "1^"),
        ("int16_t f(int8_t A, int8_t B)", "uint8_t", "~"),
        ("uint64_t f (uint64_t A, uint64_t B)", "int", "!"),
        ("uint64_t f(uint64_t A, uint64_t B)", "int", "~"),
    ],
)
@pytest.mark.parametrize("signed", [False, True])
def test_gates_are_read(head: str, wire: str, inverted: str, signed: bool) -> None:
    circuit = approximate(8, 8, signed=signed)
    text = straight_line(circuit, head, wire=wire, inverted=inverted)
    assert np.array_equal(read(text, 8, 8, signed=signed), circuit.table())


def test_first_operand_is_the_parameter_called_a() -> None:
    circuit = approximate(6, 4, signed=False)
    for head in ("uint64_t f(uint64_t A, uint64_t B)", "uint64_t f(const uint64_t B, const uint64_t A)"):
        text = straight_line(circuit, head, wire="uint64_t", inverted=ALL_ONES)
        assert np.array_equal(read(text, 6, 4, signed=False), circuit.table()), head
        (function,) = read_c_functions(text, "f.c")
        assert function.is_swapped is ("B, " in head)
    by_position = "uint16_t f(uint8_t y, uint8_t x) { return y * 2 + x; }"
    assert read(by_position, 4, 4, signed=False)[3, 1] == 7


@pytest.mark.parametrize(
    ("first", "second", "product"),
    [("b", "a", 3), ("B", "x", 3), ("x", "A", 3), ("a", "b", 1), ("A", "x", 1), ("x", "b", 1), ("x", "y", 1)],
)
def test_other_names_count_by_position(first: str, second: str, product: int) -> None:
    assert read(f"int f(int {first}, int {second}) {{ return {first}; }}", 2, 2, signed=False)[1, 3] == product


PARTS = """
uint64_t part(const uint64_t B, const uint64_t A) { return ((A & 3) << 2) | (B & 3); }
uint64_t other(uint64_t a, uint64_t b) { return ((a & 3) << 2) | (b & 3); }
uint32_t f (uint16_t a, uint16_t b) {
    static uint16_t * cache = NULL;
    int fillData = cache == NULL;
    if(!cache) cache = (uint16_t *)malloc(32 * 32 * sizeof(uint16_t));
    if(fillData) {
        for(int i = 0; i < 32; i++) {
            for(int j = 0; j < 32; j++) {
                cache[i * 32 + j] = part(i, j);
            }
        }
    }
    return cache[(a & 31) * 32 + (b & 31)] + ((uint32_t)other(a, b) << 4);
}
"""


@pytest.mark.parametrize(("as_hardware", "first", "second"), [(False, "b", "a"), (True, "a", "b")])
def test_parts_of_a_circuit_are_called_by_position_or_joined_by_their_ports(
    as_hardware: bool, first: str, second: str
) -> None:
    operands = {"a": np.arange(32)[:, None] & 3, "b": np.arange(32)[None, :] & 3}
    netlist = c_netlist(PARTS, function="f", bits_a=5, bits_b=5, signed=False, where="f.c", as_hardware=as_hardware)
    part, other = operands[first] << 2 | operands[second], operands["a"] << 2 | operands["b"]
    assert np.array_equal(netlist.table(), part + (other << 4))
    top = "uint64_t f(const uint64_t B, const uint64_t A) { return (A << 3) | (B & 7); }"
    swapped = c_netlist(top, function="f", bits_a=3, bits_b=3, signed=False, where="f.c", as_hardware=as_hardware)
    assert swapped.table()[5, 2] == 42


@pytest.mark.parametrize("head", ["int32_t f(int16_t A, int16_t B)", "uint32_t f(uint16_t A, uint16_t B)"])
def test_signed_operands_are_sign_extended_and_so_is_the_product(head: str) -> None:
    arithmetic = read(f"{head} {{ return A * B; }}", 6, 5, signed=True)
    assert np.array_equal(arithmetic, exact_products(6, 5, True, True))
    shifted = read(f"{head} {{ int16_t x = A; return x >> 2; }}", 6, 5, signed=True)
    assert np.array_equal(shifted, np.broadcast_to(np.array([*range(32), *range(-32, 0)])[:, None] >> 2, (64, 32)))


def test_bits_without_meaning_do_not_reach_the_product() -> None:
    text = "uint16_t f(uint8_t A, uint8_t B) { uint8_t n1, O; n1 = ~(A & B); O = ~(n1 | 0); return O & 255; }"
    assert np.array_equal(read(text, 3, 3, signed=False), np.bitwise_and.outer(np.arange(8), np.arange(8)))


def test_products_by_operators() -> None:
    text = "uint32_t f(uint16_t A, uint16_t B)\n{\n return (A & 0x80) * (B & 0x80);\n}\n"
    codes = np.arange(256) & 0x80
    assert np.array_equal(read(text, 8, 8, signed=False), np.multiply.outer(codes, codes))


def test_operands_in_arrays() -> None:
    lines = [f"  w{port}[{i}] = ({port} >> {i}) & 0x01;" for i in range(3) for port in "ab"]
    text = (
        "uint64_t f(uint64_t a, uint64_t b) {\n  int wa[3];\n  int wb[3];\n  uint64_t y = 0;\n"
        + "\n".join(lines)
        + "\n  int sig_1 = wa[2] & wb[1];\n  int sig_2 = !sig_1;\n  int sig_3 = ~(wa[0] | wb[0]);\n"
        "  y |=  (sig_1 & 0x01) << 3; // default output\n  y |=  (sig_2 & 0x01) << 1; // default output\n"
        "  y |=  (sig_3 & 0x01) << 0; // default output\n   return y;\n}\n"
    )
    a, b = np.arange(8)[:, None], np.arange(8)[None, :]
    both = (a >> 2) & (b >> 1) & 1
    assert np.array_equal(read(text, 3, 3, signed=False), both << 3 | (1 - both) << 1 | ((a | b) & 1) ^ 1)


def test_words_added_at_the_end() -> None:
    text = (
        "int16_t f(int8_t A, int8_t B)\n{\n  int16_t P, P_;\n  uint8_t S_0, S_1, C_0;\n"
        "  S_0 = (((A>>7)&1) & ((B>>0)&1))^1;\n  C_0 = 1&((A>>0)&1);\n"
        "  P_ = (((S_0 & 1)<<0)|((C_0 & 1)<<1)) + (((C_0 & 1)<<0)|((1 & 1)<<7));\n  S_1 = (P_ >> 1) & 1;\n"
        "  P = 0;\n  P |= (S_1 & 1) << 6;\n  P |= (P_ >> 7 & 1) << 15;\n  return P;\n}\n"
    )
    a, b = np.arange(256)[:, None], np.arange(256)[None, :]
    low = ((a >> 7) & b & 1 ^ 1) + 2 * (a & 1) + (a & 1)
    assert np.array_equal(read(text, 8, 8, signed=True), ((low >> 1) & 1) * 64 - 32768)


SIGNATURES = """
static inline unsigned short half(unsigned char x, unsigned char y);
uint64_t f(const uint64_t A /* 8-bit unsigned operand */, const uint64_t B /* 5-bit unsigned operand */)
{ return A & B; }
int32_t g (int16_t a, const int16_t b) { return a; }
void nothing(void) { }
"""


def test_signatures() -> None:
    f, g, nothing = read_c_functions(SIGNATURES, "f.c")
    assert [(x.name, x.bits, x.signed) for x in f.parameters] == [("A", 8, False), ("B", 5, False)]
    assert [(x.name, x.bits, x.signed) for x in g.parameters] == [("a", 16, True), ("b", 16, True)]
    assert (f.returned and f.returned.name, g.returned and g.returned.name, nothing.returned) == (
        "uint64_t",
        "int32_t",
        None,
    )
    assert (f.line, g.line, nothing.parameters) == (3, 5, ())


@pytest.mark.parametrize(("as_hardware", "product"), [(False, 0), (True, 1)], ids=["C", "hardware"])
def test_inverter_of_a_complement(as_hardware: bool, product: int) -> None:
    """In C `!~x` is 0 for every x but -1; as hardware it is the wire itself."""
    text = "int f(int a, int b) { int x = a & b & 1; int y = ~x; return !y; }"
    netlist = c_netlist(text, function="f", bits_a=2, bits_b=2, signed=False, where="f.c", as_hardware=as_hardware)
    assert netlist.table()[1, 1] == product
    assert netlist.table()[2, 1] == 0
