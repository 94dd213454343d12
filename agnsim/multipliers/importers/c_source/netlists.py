"""C functions as netlists of multipliers."""

from __future__ import annotations

from collections.abc import Sequence

from agnsim.multipliers.importers.c_source.bits import Number
from agnsim.multipliers.importers.c_source.evaluator import Evaluator
from agnsim.multipliers.importers.c_source.machine import Work
from agnsim.multipliers.importers.c_source.parser import parse_c
from agnsim.multipliers.importers.c_source.program import CFunction, CParameter
from agnsim.multipliers.importers.c_source.types import CType
from agnsim.multipliers.importers.failure import SourceError, shown_text
from agnsim.multipliers.netlists.builder import NetlistBuilder, Wire
from agnsim.multipliers.netlists.netlist import Netlist


def read_c_functions(text: str, where: str) -> tuple[CFunction, ...]:
    """Return the functions that C text defines, in their order. Nothing is evaluated.

    Args:
        text: The source.
        where: The file's name, for messages.

    Raises:
        SourceError: The text is not C of the kind that describes circuits, or exceeds a limit.
    """
    return tuple(parse_c(text, where).functions.values())


def c_netlist(
    text: str, *, function: str, bits_a: int, bits_b: int, signed: bool, where: str, as_hardware: bool = False
) -> Netlist:
    """Return the netlist that a C function of two operands computes, exactly. Nothing is compiled or executed.

    The first operand is the parameter called a or A, whatever the order of the signature, and the second the one
    called b or B; parameters of other names count by position. An operand enters as a number of its parameter's type,
    sign-extended if `signed`. The product is the low `bits_a + bits_b` bits of what is returned.

    Args:
        text: The source.
        function: Name of the function.
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.
        signed: Whether operands and product are in two's complement, whatever the types of the C function are.
        where: The file's name, for messages.
        as_hardware: Whether the C stands for EvoApproxLib's Verilog, which is what was built and costed, where the two
            differ: functions that it calls are parts joined A to A and B to B whatever the order of their parameters
            (its C calls f(const uint64_t B, const uint64_t A) as f(a, b)), and `!` inverts a wire (in C, `!~x` of a
            number that is 0 or 1 is always 0).

    Raises:
        SourceError: The text is not C of the kind that describes circuits, or exceeds a limit; it has no such
            function; or the function has not two parameters that can hold the operands.
    """
    program = parse_c(text, where)
    entry = program.functions.get(function)
    if entry is None or entry.returned is None:
        known = ", ".join(shown_text(name) for name in list(program.functions)[:8]) or "none"
        raise SourceError(where, 1, f"no function {shown_text(function)} returns a number; functions here: {known}")
    if len(entry.parameters) != 2:
        reason = f"{shown_text(function)} has {len(entry.parameters)} parameters; a multiplier has two operands"
        raise SourceError(where, entry.line, reason)
    build = NetlistBuilder(bits_a, bits_b)
    evaluator = Evaluator(program, build, Work(), by_port=as_hardware and not entry.is_swapped)
    if as_hardware:
        evaluator.arithmetic.unary["!"] = evaluator.arithmetic.inverted_wire
    operands = [build.b, build.a] if entry.is_swapped else [build.a, build.b]
    arguments = []
    for parameter, wires in zip(entry.parameters, operands, strict=True):
        _check_width(entry, parameter, len(wires), where)
        fill = wires[-1] if signed else build.zero
        arguments.append(evaluator.arithmetic.convert(_operand(wires, fill), parameter.ctype))
    result = evaluator.arithmetic.extended(_result(evaluator, entry, arguments, where))
    product = [*result.wires, *[result.fill] * build.product_bits][: build.product_bits]
    return build.build(product, signed=signed)


def _result(evaluator: Evaluator, entry: CFunction, arguments: Sequence[Number], where: str) -> Number:
    """What the function returns, after making sure that it would do so again."""
    result = evaluator.call(entry.name, arguments)
    changes = evaluator.changes
    if changes and (evaluator.call(entry.name, arguments) != result or evaluator.changes != changes):
        reason = (
            f"a second call of {shown_text(entry.name)} would not do the same as the first; a circuit has no memory"
        )
        raise SourceError(where, entry.line, reason)
    return evaluator.as_number(result)


def _check_width(entry: CFunction, parameter: CParameter, bits: int, where: str) -> None:
    if not 1 <= bits <= parameter.ctype.width:
        reason = (
            f"parameter {shown_text(parameter.name)} of {shown_text(entry.name)} is a {parameter.ctype.name}, "
            f"which holds no operand of {bits} bits"
        )
        raise SourceError(where, entry.line, reason)


def _operand(wires: list[Wire], fill: Wire) -> Number:
    """An operand as a number wide enough for any sign."""
    return Number(CType("operand", 64, True), tuple(wires), fill)
