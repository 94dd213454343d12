"""Which release of EvoApproxLib a folder is: names differ between releases, so costs of both never share a flow.

Told by the name of an unpacked archive (`evoapproxlib-v2022`), else by the branch or tag that git has checked out.
Git's files are read as text, nothing of git is run.
"""

from __future__ import annotations

import re
from pathlib import Path

from agnsim.multipliers.importers.failure import SourceError
from agnsim.multipliers.importers.files import read_text

_LIBRARY = "evoapproxlib"
_FOLDER = re.compile(r"evoapproxlib-(?:(master)|v?(2022|1\.2022)|v?(1\.[01](?:\.0)?))(?![0-9.])", re.IGNORECASE)
_MOST = 2**20
_FLOWS = {
    "master": f"{_LIBRARY}-master",
    "v1.0": f"{_LIBRARY}-master",
    "v1.1": f"{_LIBRARY}-master",
    "v2022": f"{_LIBRARY}-v2022",
    "v1.2022": f"{_LIBRARY}-v2022",
}
"""Flow by branch or tag; the tags 1.0 and 1.1 hold master's circuits."""


def checkout_flow(path: Path) -> str | None:
    """Return the flow of the costs in a checkout of EvoApproxLib, `None` where its release can't be told.

    Args:
        path: A file or folder in the checkout.
    """
    folder = path.absolute()
    for place in (folder, *folder.parents):
        match = _FOLDER.fullmatch(place.name)
        if match:
            return _FLOWS["master" if match[1] or match[3] else "v2022"]
        if (place / ".git").is_dir():
            return _git_flow(place / ".git")
    return None


def _git_flow(git: Path) -> str | None:
    # Somebody's own repository with a copy of the library in it says nothing of the library's release.
    if _LIBRARY not in _text(git / "config").lower():
        return None
    head = _text(git / "HEAD").strip()
    if head.startswith("ref: refs/heads/"):
        return _FLOWS.get(head.removeprefix("ref: refs/heads/"))
    for line in _text(git / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if commit == head and (flow := _FLOWS.get(name.rsplit("/", 1)[-1])):
            return flow
    return None


def _text(path: Path) -> str:
    try:
        return read_text(path, _MOST)
    except SourceError:
        return ""
