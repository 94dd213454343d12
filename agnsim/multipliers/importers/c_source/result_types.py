"""The type of an expression without its value: that of the operand of `?:` that is not chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agnsim.multipliers.importers.c_source.memory import Scalar, Scopes
from agnsim.multipliers.importers.c_source.program import CFunction, Code, Do
from agnsim.multipliers.importers.c_source.types import INT, CType, common_type, promoted

_COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})


def result_type(
    code: Code, scopes: Scopes, functions: Mapping[str, CFunction], spend: Callable[[int], None]
) -> CType | None:
    """Return the type of an expression, `None` if it is no number or not known; `spend` its length."""
    spend(len(code))
    stack: list[CType | None] = []
    for what, argument in code:
        if what is Do.CONSTANT:
            stack.append(argument[1])
        elif what is Do.LOAD:
            variable = scopes.find(argument)
            stack.append(variable.ctype if isinstance(variable, Scalar) else None)
        elif what is Do.ELEMENT:
            name, count = argument
            variable = scopes.find(name)
            stack[len(stack) - count :] = [variable.ctype if variable else None]
        elif what is Do.CALL:
            name, count = argument
            stack[len(stack) - count :] = [functions[name].returned if name in functions else None]
        elif what is Do.BINARY:
            right = stack.pop()
            stack[-1] = _type_of_result(argument, stack[-1], right)
        elif what is Do.UNARY:
            operand = stack[-1]
            stack[-1] = INT if argument == "!" or operand is None else promoted(operand)
        elif what is Do.CHOOSE:
            then, otherwise = (result_type(branch, scopes, functions, spend) for branch in argument)
            stack[-1] = common_type(then, otherwise) if then and otherwise else None
        elif what in (Do.BOTH, Do.EITHER):
            stack[-1] = INT
        elif what is Do.CAST:
            stack[-1] = argument
        elif what is Do.NULL:
            stack.append(None)
        else:
            stack[-1] = None
    return stack[0]


def _type_of_result(operator: str, left: CType | None, right: CType | None) -> CType | None:
    if operator in _COMPARISONS:
        return INT
    if left is None or right is None:
        return None
    return promoted(left) if operator in ("<<", ">>") else common_type(left, right)
