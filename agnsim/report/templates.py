"""What all pages are made with: templates, style and script of this folder, and one way to write a file."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from agnsim.errors import InputError


def render_page(template: str, **content: Any) -> str:
    """Return a self-contained HTML page: a template of this folder, with style, script and plotly inlined."""
    from plotly.offline import get_plotlyjs

    # Markup: our own files, and figure specifications that figure.build has made safe for a script element.
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(_asset("style.css")),
            script=Markup(_asset("script.js")),
            plotly=Markup(get_plotlyjs()),
            **content,
        )
    )


def write_page(target: Path, page: str) -> None:
    """Write beside the target and rename, so that a reader never sees half a page.

    Raises:
        InputError: The folder does not exist.
    """
    if not target.parent.is_dir():
        raise InputError(f"{target}: the folder {target.parent} does not exist. Create it or name another file.")
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(page)
        Path(temporary).chmod(0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_asset),
    )
    environment.globals["spec"] = Markup
    return environment


def _asset(name: str) -> str:
    return resources.files("agnsim.report").joinpath(name).read_text(encoding="utf-8")
