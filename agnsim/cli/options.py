"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run folder, as `agnsim run` writes it.")]
LibraryName = Annotated[str, typer.Option("--library", help="`builtin`, or a library's folder.")]
