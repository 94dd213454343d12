"""A checkout as EvoApproxLib's are, of our own circuits: C in its dialects, its headers, its folders."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from agnsim.multipliers import Multiplier
from agnsim.multipliers.netlists.builder import NetlistBuilder
from agnsim.multipliers.netlists.gates import INVERTED, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.published import nonzero_mre

SYMBOLS = {Op.AND: "&", Op.OR: "|", Op.XOR: "^"}


def expression(op: Op, x: str, y: str) -> str:
    if op in (Op.CONST0, Op.CONST1):
        return "0" if op is Op.CONST0 else "1"
    if op in (Op.BUF, Op.NOT):
        return x if op is Op.BUF else f"({x}^1)"
    if op in INVERTED:
        return f"(({x}{SYMBOLS[INVERTED[op]]}{y})^1)"
    return f"{x}{SYMBOLS[op]}{y}"


def assignments(netlist: Netlist, a: str, b: str, prefix: str) -> tuple[list[str], list[str]]:
    """Return `wire = expression` for every gate, and the wires of the product; operand bits as given by two formats."""
    wires = [a.format(place) for place in range(netlist.bits_a)] + [b.format(place) for place in range(netlist.bits_b)]
    lines = []
    for number, (op, x, y) in enumerate(netlist.gates):
        lines.append(f"{prefix}{number} = {expression(op, wires[x], wires[y])};")
        wires.append(f"{prefix}{number}")
    return lines, [wires[wire] for wire in netlist.outputs]


def wide_words(netlist: Netlist, name: str) -> str:
    """Operands in the order (B, A), as those of mul8u are; every wire a 64-bit word."""
    lines, product = assignments(netlist, "((A >> {})&1)", "((B >> {})&1)", "dout_")
    names = ", ".join(["O", *(line.split(" =")[0] for line in lines)])
    body = [f"   uint64_t {names};   int avg=0;", *(f"   {line}" for line in lines), "   O = 0;"]
    body += [f"   O |= ({wire}&1) << {place};" for place, wire in enumerate(product)]
    return f"uint64_t {name}(const uint64_t B,const uint64_t A)\n{{\n" + "\n".join([*body, "   return O;", "}", ""])


def bytes_of_bits(netlist: Netlist, name: str) -> str:
    """Declarations with a value first, as EvoApprox8b has them."""
    lines, product = assignments(netlist, "a{}", "b{}", "n")
    body = ["  uint16_t c = 0;"]
    body += [f"  uint8_t a{place} = (a >> {place}) & 0x1;" for place in range(netlist.bits_a)]
    body += [f"  uint8_t b{place} = (b >> {place}) & 0x1;" for place in range(netlist.bits_b)]
    body += [f"  uint8_t {line.split(' =')[0]};" for line in lines] + [f"  {line}" for line in lines]
    body += [f"  c |= ({wire} & 0x1) << {place};" for place, wire in enumerate(product)]
    return f"uint16_t {name}(uint8_t a, uint8_t b)\n{{\n" + "\n".join([*body, "  return c;", "}", ""])


def signed_bytes(netlist: Netlist, name: str) -> str:
    """Signed types, as mul8s has them."""
    lines, product = assignments(netlist, "((A>>{})&1)", "((B>>{})&1)", "S_")
    body = [f"  int16_t P, P_;\n  uint8_t tmp, {', '.join(line.split(' =')[0] for line in lines)};"]
    body += [*(f"  {line}" for line in lines), "  P = 0;"]
    body += [f"  P |= ({wire} & 1) << {place};" for place, wire in enumerate(product)]
    return f"int16_t {name}(int8_t A, int8_t B)\n{{\n" + "\n".join([*body, "  return P;", "}", ""])


def rounded(value: float, digits: int = 2) -> str:
    """Return a figure cut to some significant digits, as published ones are."""
    if value == 0 or value >= 100:
        return str(math.floor(value))
    places = max(0, digits - 1 - math.floor(math.log10(value)))
    return f"{math.floor(value * 10**places) / 10**places:.{places}f}"


def header(circuit: Multiplier, pareto: str = "mae", **wrong: str) -> str:
    """Return EvoApproxLib's header of a circuit, some figures replaced."""
    metrics = circuit.metrics
    figures = {
        "MAE": rounded(metrics.mae),
        "WCE": str(metrics.wce),
        "EP%": f"{100 * metrics.ep:.2f} %",
        "MRE%": f"{100 * nonzero_mre(circuit):.2f} %",
        "MSE": rounded(metrics.mse),
        "PDK45_PWR": "0.410 mW",
        "PDK45_AREA": "685.2 um2",
        "PDK45_DELAY": "1.47 ns",
    } | wrong
    lines = [
        "/***",
        "* This code is a part of EvoApproxLib library (a test's own circuit)",
        '* When used, please cite the following article(s): A. Author, "A Paper", 2020.',
        f"* This file contains a circuit from a sub-set of pareto optimal circuits with respect to pwr and {pareto}",
        "***/",
        *(f"// {key} = {value} " for key, value in figures.items()),
        "#include <stdint.h>",
        "#include <stdlib.h>",
        "",
    ]
    return "\n".join(lines) + "\n"


def truncated(bits_a: int, bits_b: int, signed: bool, drop_a: int = 0, drop_b: int = 0) -> Multiplier:
    """Return the multiplier that sets low bits of its operands to 0."""
    build = NetlistBuilder(bits_a, bits_b)
    width = build.product_bits
    a, b = [build.zero] * drop_a + build.a[drop_a:], [build.zero] * drop_b + build.b[drop_b:]
    a, b = (bus + [bus[-1] if signed else build.zero] * (width - len(bus)) for bus in (a, b))
    product = build.constant(0, width)
    for place, bit in enumerate(b):
        row = [build.zero] * place + [build.both(wire, bit) for wire in a]
        product = build.add(product, row, width)
    netlist = build.build(product, signed=signed)
    return Multiplier.from_netlist("truncated", netlist, signed_a=signed, signed_b=signed)


# Name in the checkout: circuit and dialect. The unsymmetrical ones tell a swap of the operands.
CIRCUITS: dict[str, tuple[Multiplier, Callable[[Netlist, str], str]]] = {
    "mul8u_1A": (truncated(8, 8, False, 2, 1), wide_words),
    "mul8u_EX": (truncated(8, 8, False), wide_words),
    "mul8s_1K": (truncated(8, 8, True, 1, 3), signed_bytes),
    "mul8x2u_0A": (truncated(8, 2, False, 3), wide_words),
    "mul8_013": (truncated(8, 8, False, 0, 3), bytes_of_bits),
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout: every circuit in two Pareto sets, with what else lies about there."""
    root = tmp_path / "evoapproxlib-v2022"
    for name, (circuit, dialect) in CIRCUITS.items():
        assert circuit.netlist is not None
        for pareto in ("mae", "mse"):
            folder = root / "multiplers" / f"{circuit.bits_a}x{circuit.bits_b}" / f"pareto_pwr_{pareto}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.c").write_text(header(circuit, pareto) + dialect(circuit.netlist, name))
            (folder / f"{name}.v").write_text("module broken (")
            (folder / f"{name}_pdk45.v").write_text("module broken (")
            (folder / "README.md").write_text("# Selected circuits\n")
            (folder / "fig.png").write_bytes(b"\x89PNG\r\n")
    adders = root / "adders" / "8_unsigned"
    adders.mkdir(parents=True)
    (adders / "add8u_00M.c").write_text("uint16_t add8u_00M(uint8_t a, uint8_t b) { return a + b; }\n")
    (root / "meta.json").write_text("{}")
    (root / "make_cython.py").write_text("raise SystemExit('executed')\n")
    return root
