"""What a circuit's name says: EvoApproxLib's `mul8s_1KV9`, `mul8x2u_0AJ`, EvoApprox8b's `mul8_013`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"mul([0-9]{1,2})(?:x([0-9]{1,2}))?([us])?(?![0-9A-Za-z])")
_SIGNED = re.compile(r"(?<![A-Za-z])(un)?signed(?![A-Za-z])", re.IGNORECASE)
_OTHERS = re.compile(r"(add|sub|div|mac)[0-9]")
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")


class Naming(NamedTuple):
    """What a name says of a multiplier.

    Attributes:
        bits: Widths of the operands, the first operand's first, or `None`.
        signed: Sign of both, or `None`.
    """

    bits: tuple[int, int] | None
    signed: bool | None


def parse_name(name: str, folder: str = "") -> Naming:
    """Return what a circuit's name says; where it says nothing of the sign, the name of its folder may."""
    match = _NAME.match(name)
    bits = (int(match[1]), int(match[2] or match[1])) if match else None
    if match and match[3]:
        return Naming(bits, match[3] == "s")
    for text in (name, folder):
        said = _SIGNED.search(text.replace("_", " "))
        if said:
            return Naming(bits, said[1] is None)
    return Naming(bits, None)


def is_other_circuit(name: str) -> bool:
    """Tell whether the name is that of an adder or another circuit that is no multiplier: `add8u_00M`."""
    return _OTHERS.match(name) is not None


def fit_name(path: Path, part: str = "") -> str:
    """Return a circuit's name for a file, and a part of it, that names none: its stem, other characters as `_`."""
    text = f"{path.stem}_{part}" if part else path.stem
    return _UNFIT.sub("_", text).lstrip("_.-") or "circuit"
