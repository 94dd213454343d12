"""One run of ABC: a netlist in, one mapped circuit per recipe out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from agnsim.errors import MultiplierError
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis.blif import MappedBlif, read_mapped_blif, to_blif
from agnsim.multipliers.synthesis.process import last_words, run_limited
from agnsim.multipliers.synthesis.recipes import Recipe
from agnsim.multipliers.synthesis.tools import synthesis_tools

SECONDS = 300.0
_SOURCE, _CELLS = "source.blif", "cells.lib"


def map_netlist(
    netlist: Netlist, recipes: Sequence[Recipe], cells: str | Path, *, read_cells: str, clock_ps: float | None = None
) -> tuple[dict[str, MappedBlif], str]:
    """Return the circuit that every recipe maps a netlist to, by the recipe's name, and ABC's log.

    Args:
        netlist: The circuit.
        recipes: What is tried, all in one process.
        cells: The cell library: its text, or its file, which is copied.
        read_cells: ABC's command that reads the library.
        clock_ps: Required time of every path in picoseconds.

    Raises:
        MultiplierError: ABC failed; the message is its own.
        MissingDependency: ABC is not installed.
    """
    script = [f"{read_cells} {_CELLS}"]
    for number, recipe in enumerate(recipes):
        script += [f"read_blif {_SOURCE}", *recipe.commands(clock_ps), f"write_blif {number}.blif"]
    with tempfile.TemporaryDirectory(prefix="agnsim-abc-") as scratch:
        folder = Path(scratch)
        (folder / _SOURCE).write_text(to_blif(netlist), encoding="ascii")
        (folder / _CELLS).write_bytes(cells.read_bytes() if isinstance(cells, Path) else cells.encode("ascii"))
        status, log = run_script(folder, script)
        mapped: dict[str, MappedBlif] = {}
        for number, recipe in enumerate(recipes):
            written = folder / f"{number}.blif"
            if status or not written.is_file():
                raise MultiplierError(
                    f"ABC made nothing of recipe {recipe.name!r} (exit status {status}): {last_words(log)}"
                )
            mapped[recipe.name] = read_mapped_blif(written.read_text(encoding="utf-8"))
    return mapped, log


def run_script(folder: Path, commands: Sequence[str], *, seconds: float = SECONDS) -> tuple[int, str]:
    """Run ABC's commands in a folder; return its exit status and log."""
    (folder / "script.abc").write_text("\n".join(commands) + "\n", encoding="ascii")
    return run_limited([str(synthesis_tools().abc), "-f", "script.abc"], folder, seconds=seconds, what="ABC")
