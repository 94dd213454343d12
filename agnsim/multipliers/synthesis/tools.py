"""Where yosys and ABC are: the package `pyosys` brings both."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from agnsim.errors import MissingDependency

REMEDY = 'pip install "agnsim[synth]"'


@dataclass(frozen=True)
class SynthesisTools:
    """An installed pyosys.

    Attributes:
        packages: Folder that the package `pyosys` lies in.
        abc: The ABC program.
        version: Version of pyosys.
    """

    packages: Path
    abc: Path
    version: str


def unavailable() -> str | None:
    """Return why nothing can be synthesised on this machine and the remedy, or `None` where it can."""
    try:
        synthesis_tools()
    except MissingDependency as error:
        return str(error)
    return None


def synthesis_tools() -> SynthesisTools:
    """Return where the tools are, without importing or running them.

    Raises:
        MissingDependency: pyosys is not installed, or its ABC is missing.
    """
    specification = importlib.util.find_spec("pyosys")
    if specification is None or specification.origin is None:
        raise MissingDependency(f"synthesis needs the package 'pyosys' (yosys and ABC), not installed: {REMEDY}")
    folder = Path(specification.origin).parent
    abc = folder / "yosys-abc"
    if not abc.is_file():
        raise MissingDependency(f"synthesis needs ABC, but {abc} is missing; install pyosys again: {REMEDY}")
    try:
        version = metadata.version("pyosys")
    except metadata.PackageNotFoundError:  # unpacked by hand
        version = "unknown"
    return SynthesisTools(folder.parent, abc, version)
