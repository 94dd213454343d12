"""A study file (YAML) as plain data plus the line every value stands on, for messages a user can act on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from agnsim.errors import ConfigError

KeyPath = tuple[str | int, ...]

_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")


@dataclass
class StudyFile:
    """Plain data of a study and where each value came from.

    Attributes:
        path: The file.
        data: Nested dictionaries, lists and scalars.
        places: Key path -> `"file:line"`, or the `--set` option that gave the value.
    """

    path: Path
    data: dict[str, Any]
    places: dict[KeyPath, str] = field(default_factory=dict)

    def place(self, keys: KeyPath) -> str:
        """Return where `keys`, or its nearest parent, was written."""
        for length in range(len(keys), -1, -1):
            if keys[:length] in self.places:
                return self.places[keys[:length]]
        return str(self.path)


def read_study_file(path: Path, overrides: Sequence[str] = ()) -> StudyFile:
    """Read a study file and apply `key.path=value` overrides (values are YAML).

    Raises:
        ConfigError: The file is missing, is no YAML mapping, repeats a key, or an override is malformed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such study file. `agnsim init` writes one to start from.") from None
    except IsADirectoryError:
        inside = sorted(path.glob("*.yaml"))
        remedy = f"Did you mean {inside[0]}?" if inside else "`agnsim init` writes one to start from."
        raise ConfigError(f"{path}: a folder, not a study file. {remedy}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    study = StudyFile(path, {}, {(): str(path)})
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(f"{path}: a study is a mapping of keys to values, as in `name: quickstart`.")
        study.data = _plain(node, (), study)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}{_line_of(error)}: not valid YAML: {_problem(error)}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply, or an alias (`*name`) that contains itself.") from None
    for override in overrides:
        _apply(override, study)
    return study


def _plain(node: yaml.Node, keys: KeyPath, study: StudyFile, override: str = "") -> Any:
    """Return the node as plain data, noting the place of every value: its line, or the override it is a part of."""

    def place_of(part: yaml.Node) -> str:
        return override or f"{study.path}:{part.start_mark.line + 1}"

    study.places[keys] = place_of(node)
    if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
        raise ConfigError(f"{study.places[keys]}  {_dotted(keys)}: the tag {node.tag!r} is not allowed; leave it out.")
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, place = str(key_node.value), place_of(key_node)
            if key in mapping:
                raise ConfigError(f"{place}  {_dotted((*keys, key))}: this key is given twice; keep one.")
            mapping[key] = _plain(value_node, (*keys, key), study, override)
            study.places[(*keys, key)] = place
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*keys, i), study, override) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode) and node.style is None and _EXPONENT.fullmatch(node.value):
        return float(node.value)  # YAML 1.1 reads 1e-3, without a dot, as text
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{study.places[keys]}  {_dotted(keys)}: {_problem(error)}") from None
    finally:
        loader.dispose()


def _apply(override: str, study: StudyFile) -> None:
    """Set one `a.b.c=value` in the study's data."""
    key, separator, text = override.partition("=")
    keys = tuple(part for part in key.strip().split(".") if part)
    if not separator or not keys:
        raise ConfigError(f"--set {override}: expected key=value, as in --set search.training.epochs=2.")
    place = f"--set {override}"
    target = study.data
    for depth, part in enumerate(keys[:-1], start=1):
        if target.get(part) is None:  # left out, or switched off by `null`
            target[part] = {}
            study.places[keys[:depth]] = place
        if not isinstance(target[part], dict):
            raise ConfigError(f"{place}: {part!r} is not a section, it holds {target[part]!r}.")
        target = target[part]
    study.places = {known: where for known, where in study.places.items() if known[: len(keys)] != keys}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        target[keys[-1]] = None if node is None else _plain(node, keys, study, place)
    except yaml.YAMLError as error:
        raise ConfigError(f"{place}: the value is not valid YAML: {_problem(error)}.") from None
    study.places[keys] = place


def _dotted(keys: KeyPath) -> str:
    return ".".join(str(key) for key in keys)


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]


def _line_of(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark is not None else ""
