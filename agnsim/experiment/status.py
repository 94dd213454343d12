"""How far a run has come, told from its files alone."""

from __future__ import annotations

from pathlib import Path

from agnsim.errors import RunFolderError
from agnsim.types import Json


def run_status(run_dir: Path) -> Json:
    """Return the counts of finished trials and kept checkpoints of a run folder, and whether its record is written.

    Raises:
        RunFolderError: Not a run folder.
    """
    if not (run_dir / "config.yaml").is_file():
        raise RunFolderError(f"{run_dir}: not a run folder (it has no config.yaml); `agnsim run` makes one.")
    return {
        "run": str(run_dir),
        "trials": len(list((run_dir / "trials").glob("*.json"))),
        "checkpoints": len(list((run_dir / "checkpoints").glob("*.safetensors"))),
        "finished": (run_dir / "record.json").is_file(),
        "report": (run_dir / "report.html").is_file(),
    }
