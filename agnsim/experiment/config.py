"""The typed study, and how its file is read: unknown keys are refused, every mistake has its line."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from agnsim.errors import ConfigError, did_you_mean
from agnsim.experiment.sections import (
    BaselinesSection,
    DataSection,
    HeadlineSection,
    LibrarySection,
    MatchSection,
    ModelSection,
    MoreLibrarySection,
    NarrowSection,
    QuantizationSection,
    SearchSection,
    Section,
    TrainingSection,
    UniformSection,
)
from agnsim.experiment.study_file import KeyPath, StudyFile, read_study_file


class Study(Section):
    """A whole study, as `agnsim run` takes it."""

    format: Literal[1] = Field(1, description="version of the study format")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")] = Field(
        description="names the run folder runs/NAME; letters, digits, `_`, `.`, `-`"
    )
    claim: str = Field("", description="one sentence: what the study is expected to show")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        0, description="of splits, initial weights, batches, augmentation and noise"
    )
    device: str = Field("cpu", description="cpu, cuda or cuda:N")
    model: ModelSection = Field(description="the network")
    data: DataSection = Field(description="the images, and which of them choose and which judge")
    library: LibrarySection = Field(LibrarySection(), description="the circuits that may be chosen")
    more_libraries: list[MoreLibrarySection] = Field(
        [], description="further circuits that may be chosen, such as the built-in library's narrow exact ones"
    )
    reference_multiplier: str = Field(
        description="exact 8-bit circuit of the library: the denominator of multiplier_energy"
    )
    quantization: QuantizationSection = Field(QuantizationSection(), description="integer arithmetic of the layers")
    train: TrainingSection | None = Field(None, description="float training; needed where no weights are given")
    quantization_aware_training: TrainingSection | None = Field(
        None, description="training on in integer arithmetic with exact products, before circuits are put in"
    )
    narrow: NarrowSection | None = Field(None, description="exact products of fewer bits: the rival")
    uniform: UniformSection | None = Field(None, description="one circuit in all layers, for every circuit")
    search: SearchSection | None = Field(None, description="learn each layer's tolerance; none: no assignment is made")
    match: MatchSection = Field(MatchSection(), description="from tolerances to circuits")
    retrain: TrainingSection | None = Field(
        None, description="retraining of each assignment through bit-exact emulation"
    )
    baselines: BaselinesSection | None = Field(None, description="other ways to an assignment, to compare with")
    headline: HeadlineSection = Field(HeadlineSection(), description="which result the report opens with")

    @model_validator(mode="after")
    def _trained_somehow(self) -> Study:
        if self.model.weights is None and self.train is None:
            raise ValueError("give model.weights, or a train section: the float network has to come from somewhere")
        return self


def load_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Read and validate a study file.

    Raises:
        ConfigError: Everything that is wrong, one line each: `file:line  key: value: what is allowed`.
    """
    source = read_study_file(path, overrides)
    try:
        return Study.model_validate(source.data)
    except ValidationError as error:
        faults: dict[KeyPath, list[dict[str, Any]]] = {}
        for item in error.errors(include_url=False):
            faults.setdefault(tuple(part for part in item["loc"] if _is_key(part)), []).append(dict(item))
        raise ConfigError("\n".join(_explain(keys, items, source) for keys, items in faults.items())) from None


def _explain(keys: KeyPath, items: list[dict[str, Any]], source: StudyFile) -> str:
    """Return one line for the pydantic errors of one key, of which a union of types gives several."""
    item, dotted, place = items[0], ".".join(str(k) for k in keys), source.place(keys)
    if item["type"] == "extra_forbidden":
        fields = _fields_at(keys[:-1])
        return f"{place}  {dotted}: unknown key.{did_you_mean(str(keys[-1]), fields)}"
    if item["type"] == "missing":
        return f"{place}  {dotted}: this key is required and missing{_description(keys)}."
    shown = f"{item['input']!r}: " if keys and not isinstance(item["input"], dict) else ""
    problem = ", or ".join(dict.fromkeys(_problem(item) for item in items))
    return f"{place}  {dotted or 'study'}: {shown}{problem}{_description(keys)}."


_PROBLEMS = {
    "model_type": "this is a section, whose keys stand below it, indented",
    "too_short": "the list must not be empty",
    "string_pattern_mismatch": "this text is not allowed here",
}
"""Where pydantic's own words would mean nothing to the reader of a study file."""


def _problem(item: dict[str, Any]) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    message = _PROBLEMS.get(item["type"], message[0].lower() + message[1:])
    return message.replace("input should be", "it must be").replace("valid dictionary", "section")


def _is_key(part: str | int) -> bool:
    """Tell keys of the file from pydantic's own labels for the members of a union."""
    if isinstance(part, int):
        return True
    return part not in {"int", "float", "constrained-int", "constrained-float"} and not part.startswith("function-")


def _names(keys: KeyPath) -> tuple[str, ...]:
    """Return the keys without the places in lists."""
    return tuple(key for key in keys if isinstance(key, str))


def _section_at(keys: KeyPath) -> type[BaseModel] | None:
    section: type[BaseModel] | None = Study
    for key in _names(keys):
        if section is None or key not in section.model_fields:
            return None
        section = _section_type(section.model_fields[key].annotation)
    return section


def _section_type(annotation: Any) -> type[BaseModel] | None:
    if typing.get_origin(annotation) in (types.UnionType, list):
        return next(filter(None, map(_section_type, typing.get_args(annotation))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _fields_at(keys: KeyPath) -> list[str]:
    section = _section_at(keys)
    return list(section.model_fields) if section else []


def _description(keys: KeyPath) -> str:
    names = _names(keys)
    section = _section_at(names[:-1]) if names else None
    info = section.model_fields.get(names[-1]) if section else None
    return f" ({info.description})" if info is not None and info.description else ""
