"""The run folder: one study's configuration, trials, results and report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from agnsim.errors import RunFolderError
from agnsim.experiment.config import Study, load_study
from agnsim.experiment.store import write_text

CONFIG = "config.yaml"
RECORD = "record.json"
RESULTS = "results.csv"
ASSIGNMENT = "assignment.json"


def open_run_folder(folder: Path, study: Study) -> None:
    """Make the folder, or check that it holds this very study, so that a killed run can go on in it.

    Raises:
        RunFolderError: It holds another study, or files that are no run.
    """
    config = folder / CONFIG
    if config.is_file():
        difference = _first_difference(read_study(folder).model_dump(), study.model_dump())
        if difference is not None:
            key, there, here = difference
            raise RunFolderError(
                f"{config}: this folder holds another study: {key} is {there!r} there and {here!r} here. "
                "Give another folder with --out DIR; nothing was changed."
            )
        return
    if folder.exists() and (not folder.is_dir() or any(path.suffix != ".tmp" for path in folder.iterdir())):
        raise RunFolderError(f"{folder}: not empty and no run folder of agnsim. Give another folder with --out DIR.")
    text = yaml.safe_dump(study.model_dump(), sort_keys=False, allow_unicode=True, width=120)
    write_text(config, text)


def read_study(folder: Path) -> Study:
    """Return the resolved study of a run folder.

    Raises:
        RunFolderError: The folder has none.
        ConfigError: It was edited into something that is no study.
    """
    if not (folder / CONFIG).is_file():
        raise RunFolderError(f"{folder}: no run folder of agnsim (it has no {CONFIG}). `agnsim run` makes one.")
    return load_study(folder / CONFIG)


def _first_difference(there: Any, here: Any, key: str = "") -> tuple[str, Any, Any] | None:
    if isinstance(there, dict) and isinstance(here, dict):
        for name in [*there, *(n for n in here if n not in there)]:
            found = _first_difference(there.get(name), here.get(name), f"{key}.{name}" if key else str(name))
            if found is not None:
                return found
        return None
    return None if there == here else (key, there, here)
