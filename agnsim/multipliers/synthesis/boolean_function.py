"""Functions of Liberty pins, such as `"!((A & B) | C)"`, as gates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from agnsim.errors import MultiplierError
from agnsim.multipliers.netlists.gates import Op

MAX_LENGTH = 4096
Emit = Callable[..., int]
"""`emit(op, *wires) -> wire`: adds a gate."""

_TOKEN = re.compile(r"\s*(?:([A-Za-z_][\w\[\]]*|[01](?!\w))|([!'&*^+|()]))")
_BINARY = {"^": (3, Op.XOR), "&": (2, Op.AND), "*": (2, Op.AND), "+": (1, Op.OR), "|": (1, Op.OR)}
_NOT_PRECEDENCE = 4


def function_pins(text: str) -> tuple[str, ...]:
    """Return the pins that a function reads, each once, in the order of their first use."""
    return tuple(dict.fromkeys(token for token in _tokens(text) if token[0].isalpha() or token[0] == "_"))


def emit_function(text: str, pins: Mapping[str, int], emit: Emit) -> int:
    """Add the gates of a function and return the wire of its value.

    Operators bind in the order inversion (`!` before, `'` behind), XOR, AND (also between operands without a mark), OR.

    Args:
        text: The function.
        pins: Wire of every pin.
        emit: Adds a gate.

    Raises:
        MultiplierError: The text is no such function, or reads another pin.
    """
    values: list[int] = []
    operators: list[str] = []

    def reduce_to(precedence: int) -> None:
        while operators and operators[-1] != "(":
            binding = _NOT_PRECEDENCE if operators[-1] == "!" else _BINARY[operators[-1]][0]
            if binding < precedence:
                return
            operator = operators.pop()
            if len(values) < (1 if operator == "!" else 2):
                raise MultiplierError(f"function {text!r}: {operator!r} lacks an operand")
            y = values.pop()
            values.append(emit(Op.NOT, y) if operator == "!" else emit(_BINARY[operator][1], values.pop(), y))

    after_operand = False
    for token in _tokens(text):
        if after_operand and (token in "(!" or token[0].isalnum() or token[0] == "_"):
            reduce_to(_BINARY["&"][0])
            operators.append("&")
            after_operand = False
        if token == "'":
            if not after_operand:
                raise MultiplierError(f'function {text!r}: "\'" lacks an operand')
            values.append(emit(Op.NOT, values.pop()))
        elif token in "!(":
            operators.append(token)
        elif token == ")":
            reduce_to(0)
            if not operators or not after_operand:
                raise MultiplierError(f"function {text!r}: a parenthesis closes nothing")
            operators.pop()
        elif token in _BINARY:
            reduce_to(_BINARY[token][0])
            operators.append(token)
            after_operand = False
        else:
            values.append(_operand(token, text, pins, emit))
            after_operand = True
    reduce_to(0)
    if operators or len(values) != 1:
        raise MultiplierError(f"function {text!r} is not complete")
    return values[0]


def _operand(token: str, text: str, pins: Mapping[str, int], emit: Emit) -> int:
    if token in "01":
        return emit(Op.CONST1 if token == "1" else Op.CONST0)
    if token not in pins:
        raise MultiplierError(f"function {text!r} reads {token!r}, which is none of the pins {', '.join(pins)}")
    return pins[token]


def _tokens(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise MultiplierError(f"function {text[:40]!r}... is longer than {MAX_LENGTH} characters")
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise MultiplierError(f"function {text!r}: {text[at:].strip()[:10]!r} is no pin and no operator")
        tokens.append(match.group(1) or match.group(2))
        at = match.end()
    return tokens
