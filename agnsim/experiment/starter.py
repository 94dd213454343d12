"""A study file to start from."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from agnsim.errors import InputError

FILE_NAME = "study.yaml"


def write_starter(folder: Path) -> Path:
    """Write `study.yaml` into a folder, which is made where it is missing, and return its path.

    Raises:
        InputError: The file is there already.
    """
    path = folder / FILE_NAME
    text = resources.files("agnsim.experiment").joinpath("starter.yaml").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path} exists and is left as it is; name another folder: agnsim init DIR") from None
    return path
