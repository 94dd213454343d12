"""Write the tables made from recorded runs: `python -m agnsim.report.recorded [--root DIR] [--check]`.

The blocks of README and docs that name this command: `results`, a row for every run recorded below `experiments/`,
and `ablations`, from `experiments/cifar10/ablations.yaml`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from agnsim.markdown import Blocks, render_blocks, run_command
from agnsim.report.ablations import ablation_table
from agnsim.report.results_table import results_table

COMMAND = "python -m agnsim.report.recorded"
ABLATIONS = Path("experiments", "cifar10", "ablations.yaml")


def recorded_runs(root: Path) -> list[Path]:
    """Return the run folders below `experiments/`, numbers in their names by value."""
    folders = [path.parent for path in (root / "experiments").rglob("record.json")]
    return sorted(folders, key=lambda folder: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", str(folder))])


def pages(root: Path) -> list[Path]:
    """Return the pages that may hold blocks."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def blocks(root: Path) -> Blocks:
    """Return what makes each block, for a checkout."""
    return {
        "results": lambda: results_table(recorded_runs(root)),
        "ablations": lambda: ablation_table(root / ABLATIONS),
    }


def render(page: str, place: str, root: Path) -> str:
    """Return the text of a page with its blocks made anew from a checkout's runs.

    Raises:
        AgnsimError: The page names an unknown block, or a run or the file of ablations is faulty.
    """
    return render_blocks(page, place, command=COMMAND, blocks=blocks(root))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 where `--check` finds a stale page, or 2 for a user's mistake."""
    return run_command(
        arguments,
        command=COMMAND,
        summary=(__doc__ or "").splitlines()[0],
        folder=("--root", Path()),
        pages=pages,
        blocks=blocks,
    )


if __name__ == "__main__":
    sys.exit(main())
