"""What this installation can do and what is wrong with it."""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from agnsim import _bundled
from agnsim.errors import AgnsimError, MissingDependency
from agnsim.experiment.environment import environment
from agnsim.kernels import engine_report
from agnsim.multipliers import load_library
from agnsim.types import Json


def diagnose() -> Json:
    """Return versions, engines and data folders of this installation, and its problems with their remedies."""
    problems: list[str] = []
    packages = [{"package": name, "version": _package_version(name)} for name in _required_packages()]
    problems += [
        f"{row['package']} is not installed; pip install {row['package']}" for row in packages if not row["version"]
    ]
    return {
        "installation": environment()
        | {"data_root": _data_root(problems), **_library(problems), "synthesis": _synthesis()},
        "packages": packages,
        "engines": [asdict(row) for row in engine_report()],
        "problems": problems,
    }


def _required_packages() -> list[str]:
    try:
        requirements = metadata.requires("agnsim") or []
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        return []
    names = (re.match(r"[A-Za-z0-9._-]+", text) for text in requirements if "extra ==" not in text)
    return [match.group() for match in names if match]


def _package_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _data_root(problems: list[str]) -> str | None:
    root = os.environ.get("AGNSIM_DATA")
    if root and not Path(root).is_dir():
        problems.append(f"AGNSIM_DATA={root} is not a folder; point it at your data, or unset it")
    return root or None


def _synthesis() -> str:
    from agnsim.multipliers.synthesis.tools import synthesis_tools

    try:
        return f"pyosys {synthesis_tools().version}"
    except MissingDependency as error:
        return str(error)


def _library(problems: list[str]) -> Json:
    try:
        return {"multipliers": str(_bundled.folder("multipliers")), "circuits": len(load_library("builtin"))}
    except AgnsimError as error:
        problems.append(str(error))
        return {"multipliers": None, "circuits": 0}
