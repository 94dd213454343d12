"""The only code that knows where the data folders lie, in a wheel and in a checkout (ADR-0001)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from agnsim.errors import BundledDataMissing


def folder(name: Literal["multipliers", "kernels"]) -> Path:
    """Return the folder of that name which belongs to this installation.

    A checkout is recognised by its `pyproject.toml`: without that test a broken wheel would hand out whatever
    package of the same name lies beside agnsim in site-packages.

    Raises:
        BundledDataMissing: Neither place has it.
    """
    here = Path(__file__).parent
    in_wheel, in_checkout = here / "_bundled_data" / name, here.parent / name
    if in_wheel.is_dir():
        return in_wheel
    if (here.parent / "pyproject.toml").is_file() and in_checkout.is_dir():
        return in_checkout
    raise BundledDataMissing(
        f"this installation of agnsim lacks its folder {name!r} (looked in {in_wheel} and {in_checkout}). "
        "Reinstall it: pip install --force-reinstall agnsim"
    )
