"""A run's document as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from agnsim.errors import InputError
from agnsim.types import Json

FORMAT = 1


def write_document(document: Json, path: Path) -> None:
    """Write a run's document as JSON."""
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_document(path: Path) -> Json:
    """Return a document that `write_document` has written.

    Raises:
        InputError: The file holds something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is no JSON document: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT or "rows" not in document:
        raise InputError(f"{path} is no document of `agnsim bench` in format {FORMAT}")
    return cast(Json, document)
