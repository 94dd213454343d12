"""Operand widths as people write them."""

from __future__ import annotations

from agnsim.errors import InputError
from agnsim.multipliers.table_checks import MAX_OPERAND_BITS


def parse_bits(text: str | None) -> tuple[int, int] | None:
    """Return the widths that `8`, `8x8` or `8x4` mean; `None` for `None`.

    Raises:
        InputError: Something else, or a width is not 1 to 16.
    """
    if text is None:
        return None
    parts = text.lower().split("x")
    numbers = [int(part) if part.isascii() and part.isdigit() and len(part) < 3 else 0 for part in parts]
    if len(numbers) not in (1, 2) or not all(1 <= number <= MAX_OPERAND_BITS for number in numbers):
        raise InputError(f"--bits {text}: must be two widths from 1 to {MAX_OPERAND_BITS}, as in 8x8 or 8x4")
    return numbers[0], numbers[-1]
