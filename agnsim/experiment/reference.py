"""Write the generated tables of the guide: `python -m agnsim.experiment.reference [--docs DIR] [--check]`.

A table stands between two comments, `<!-- NAME: made by ... -->` and `<!-- end of NAME -->`, and is made from the code
that it describes, so `--check` proves that the guide names every key, model, data set and engine there is.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agnsim.experiment.config import Study
from agnsim.markdown import Blocks, markdown_table, render_blocks, run_command
from agnsim.registry import Registry
from agnsim.types import Json

COMMAND = "python -m agnsim.experiment.reference"
_GIVEN = {"model": ("num_classes", "in_channels"), "data set": ("root",)}  # by the study itself, not in `options`


def study_tables() -> str:
    """Return a heading and a table of keys for the study and each of its sections."""
    schema = Study.model_json_schema()
    sections: dict[str, Json] = schema["$defs"]
    parts = ["### The whole study\n\n" + _key_table(schema, sections)]
    places: dict[str, list[str]] = {}
    for place, name in _section_places(schema, sections):
        places.setdefault(name, []).append(f"`{place}`")
    for name, where in places.items():
        section = sections[name]
        parts.append(f"### {', '.join(where)}\n\n{section['description']}\n\n{_key_table(section, sections)}")
    return "\n".join(parts)


def _section_places(schema: Json, sections: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every key that holds a section, and the section's name, in the order of the file."""
    for key, entry in schema["properties"].items():
        for option in entry.get("anyOf", [entry]):
            held, place = (option["items"], f"{key}[]") if option.get("type") == "array" else (option, key)
            if "$ref" in held:
                name = held["$ref"].rpartition("/")[2]
                yield prefix + place, name
                yield from _section_places(sections[name], sections, f"{prefix}{place}.")


def _key_table(schema: Json, sections: Mapping[str, Json]) -> str:
    rows = [
        (f"`{key}`", _type(entry), _default(key, entry, schema.get("required", ())), entry["description"])
        for key, entry in schema["properties"].items()
    ]
    return markdown_table(("key", "type", "default", "meaning"), rows)


def _type(entry: Json) -> str:
    """Return a JSON schema's type in words."""
    if "anyOf" in entry:
        return " or ".join(_type(option) for option in entry["anyOf"] if option.get("type") != "null")
    if "$ref" in entry:
        return "section"
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if entry["type"] == "array":
        items = entry["items"]
        kind = "section" if "$ref" in items else "choice" if "enum" in items else items["type"]
        plural = {"string": "texts", "number": "numbers", "section": "sections", "array": "lists of texts"}.get(kind)
        plural = plural or " or ".join(f"`{value}`" for value in items["enum"])
        limits = _limits(items)
        return (
            ("one or more " if entry.get("minItems") else "list of ") + plural + (f", each {limits}" if limits else "")
        )
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "true, false", "object": "mapping"}
    return " ".join(filter(None, (words[entry["type"]], _limits(entry))))


def _limits(entry: Json) -> str:
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    return " and ".join(f"{sign} {entry[name]:g}" for name, sign in signs.items() if name in entry)


def _default(key: str, entry: Json, required: Sequence[str]) -> str:
    if key in required:
        return "required"
    if "$ref" in entry:
        return "its defaults"
    return "none" if entry["default"] is None else f"`{json.dumps(entry['default'])}`"


def model_table() -> str:
    """Return the registered networks with their options."""
    from agnsim.models import models

    return _registry_table(models)


def dataset_table() -> str:
    """Return the registered data sets with their options."""
    from agnsim.data import datasets

    return _registry_table(datasets)


def _registry_table(registry: Registry[Callable[..., Any]]) -> str:
    given = _GIVEN[registry.kind]
    rows = [(f"`{entry.name}`", entry.summary, _options(entry.value, given)) for entry in registry.entries()]
    return markdown_table(("name", "what", "`options`"), rows)


def _options(function: Callable[..., Any], given: Sequence[str]) -> str:
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in given and parameter.kind is not parameter.VAR_KEYWORD:
            required = parameter.default is parameter.empty
            found.append(f"`{name}`" + (" (required)" if required else f" = {json.dumps(parameter.default)}"))
    return ", ".join(found) or "none"


def engine_table() -> str:
    """Return the registered engines."""
    from agnsim.kernels import engines

    return markdown_table(("engine", "what"), [(f"`{entry.name}`", entry.summary) for entry in engines.entries()])


def gradient_table() -> str:
    """Return the registered gradient estimators with their parameters."""
    from agnsim.nn.gradients import gradients

    rows = [(f"`{entry.name}`", entry.summary, _options(entry.value, ())) for entry in gradients.entries()]
    return markdown_table(("gradient", "what", "parameters"), rows)


BLOCKS: Blocks = {
    "study": study_tables,
    "models": model_table,
    "datasets": dataset_table,
    "engines": engine_table,
    "gradients": gradient_table,
}


def render(page: str, place: str) -> str:
    """Return the text of a page with its generated blocks made anew.

    Raises:
        InputError: The page names a block that is not generated.
    """
    return render_blocks(page, place, command=COMMAND, blocks=BLOCKS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 where `--check` finds a stale page, or 2 for a user's mistake."""
    return run_command(
        arguments,
        command=COMMAND,
        summary=(__doc__ or "").splitlines()[0],
        folder=("--docs", Path("docs/guide")),
        pages=lambda docs: sorted(docs.glob("*.md")),
        blocks=lambda docs: BLOCKS,
    )


if __name__ == "__main__":
    sys.exit(main())
