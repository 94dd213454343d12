"""How numbers are written; a missing one is an empty cell."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"


def fixed(value: float | None, digits: int = 2) -> str:
    """Write with a fixed number of decimals: `-0.5` becomes `−0.50`, `None` becomes `""`."""
    if value is None:
        return ""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def percent(value: float | None, digits: int = 1) -> str:
    """Write a percentage with its sign, which no line break separates from it."""
    return "" if value is None else f"{fixed(value, digits)}\N{NO-BREAK SPACE}%"


def significant(value: float | None, digits: int = 3) -> str:
    """Write with significant digits, without exponents between 1e-3 and 1e6."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    text = f"{value:.{digits}g}" if not 1e-3 <= abs(value) < 1e6 else _plain(value, digits)
    return text.replace("-", MINUS)


def _plain(value: float, digits: int) -> str:
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    text = f"{float(f'{value:.{digits}g}'):f}"
    return text.rstrip("0").rstrip(".")


def count(value: int | None) -> str:
    """Write an integer with thousands separators."""
    return "" if value is None else f"{value:,}".replace("-", MINUS)


def saving(energy: float | None) -> float | None:
    """Return the saved percentage of an energy ratio."""
    return None if energy is None else 100.0 * (1.0 - energy)


def duration(seconds: float | None) -> str:
    """Write a time span in the unit that suits it: `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 07 min`."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """Write `low to high`, or nothing where either end is missing."""
    return "" if low is None or high is None else f"{fixed(low, digits)} to {fixed(high, digits)}"
