"""Where data sets, weights and circuit libraries that are not part of agnsim lie: `AGNSIM_DATA`, or a given root."""

from __future__ import annotations

import os
from pathlib import Path


def data_root(root: Path | str | None = None) -> Path | None:
    """Return the given root, else the folder named by the environment variable AGNSIM_DATA, else `None`."""
    chosen = root if root is not None else os.environ.get("AGNSIM_DATA") or None
    return None if chosen is None else Path(chosen).expanduser()


def candidates(path: Path | str, root: Path | str | None = None) -> list[Path]:
    """Return the places where `path` may lie, in the order in which they are tried.

    Args:
        path: Absolute, relative to the working directory, or relative to the data root.
        root: Data root; AGNSIM_DATA by default.
    """
    given, base = Path(path).expanduser(), data_root(root)
    return [given] if given.is_absolute() or base is None else [given, base / given]


def find(path: Path | str, root: Path | str | None = None) -> Path | None:
    """Return the first of `candidates(path, root)` that exists, or `None`."""
    return next((place for place in candidates(path, root) if place.exists()), None)


def looked_in(path: Path | str, root: Path | str | None = None) -> str:
    """Return the end of a message about a missing file: the places tried, and how to name the data root."""
    places = " and ".join(str(place) for place in candidates(path, root))
    hint = "" if data_root(root) is not None else "; AGNSIM_DATA is not set: set it to the folder that holds your data"
    return f"looked for {places}{hint}"
