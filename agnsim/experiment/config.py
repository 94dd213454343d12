"""The typed study: every key of a study file, its meaning and its default. Unknown keys are refused."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from agnsim.errors import ConfigError, UnknownName, did_you_mean
from agnsim.experiment.study_file import KeyPath, StudyFile, read_study_file
from agnsim.nn.gradients import STRAIGHT_THROUGH, estimator
from agnsim.noise import SIGMA_MIN

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Bits = Annotated[int, Field(ge=2, le=8)]
Sigma = Annotated[float, Field(ge=SIGMA_MIN, allow_inf_nan=False)]
Item = TypeVar("Item")


def _distinct(values: list[Item]) -> list[Item]:
    """Refuse a list that names something twice: the second would be the very trial that the first is."""
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise ValueError(f"{twice[0]!r} is given twice")
    return values


Distinct = Annotated[list[Item], AfterValidator(_distinct)]


def _estimator(text: str) -> str:
    """Refuse what names no gradient estimator, in the way pydantic understands."""
    try:
        estimator(text)
    except UnknownName as error:
        raise ValueError(str(error)) from None
    return text


class Section(BaseModel):
    """Base of all sections: frozen, strict about names and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ModelSection(Section):
    """The network."""

    name: str = Field(description="a name from `agnsim list models`, `torchvision:NAME` or `module:callable`")
    weights: str | None = Field(
        None, description="state dict (.pt or .safetensors), relative to the data root; none: train"
    )
    options: dict[str, Any] = Field({}, description="keyword arguments of the model's constructor")


class DataSection(Section):
    """The images, and which of them choose and which of them judge."""

    name: str = Field(description="a name from `agnsim list datasets` or `module:callable`")
    root: str | None = Field(None, description="data root; default: the environment variable AGNSIM_DATA")
    options: dict[str, Any] = Field({}, description="keyword arguments of the data set")
    selection: Literal["validation", "test_half"] = Field(
        "validation",
        description="images that choose: a part of the training set, or, where that is memorised, half of the test set",
    )
    validation: Count | Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="size of the validation part: images or fraction of the training set"
    )
    calibration: Count = Field(256, description="training images that set the quantisers' ranges and the error model")
    batch_size: Count = Field(128, description="images per training step")
    evaluation_batch_size: Count = Field(256, description="images per evaluation step")


class LibrarySection(Section):
    """The circuits that may be chosen."""

    name: str = Field(
        "builtin", description="`builtin`, or a library folder, relative to the data root or the working folder"
    )
    include: list[str] = Field(["*"], description="patterns of circuit names")
    exclude: list[str] = Field([], description="patterns of circuit names")
    costs: str | None = Field(
        None, description="CSV file of your own costs, which take the place of the library's; looked up like `name`"
    )


class QuantizationSection(Section):
    """Uniform integer quantisation of weights and activations."""

    activation_bits: Bits = Field(8, description="width of activation codes")
    weight_bits: Bits = Field(8, description="width of weight codes")
    activation: Literal["auto", "unsigned", "symmetric", "affine"] = Field(
        "auto",
        description="auto: symmetric where every circuit is signed, else unsigned with a zero point where needed",
    )
    per_channel_weights: bool = Field(True, description="one weight scale per output channel, else one per layer")
    activation_calibration: Literal["minmax", "percentile", "mse"] = Field(
        "mse", description="how activation ranges are chosen: observed extremes, a percentile, or least squared error"
    )
    weight_calibration: Literal["minmax", "percentile", "mse"] = Field(
        "minmax", description="how weight ranges are chosen"
    )
    percentile: Annotated[float, Field(gt=50, le=100)] = Field(
        99.99, description="percent of the values that a `percentile` range keeps"
    )
    learnable: bool = Field(False, description="train the quantisers' scales too")
    exclude: list[str] = Field([], description="patterns of layer names left in floating point")
    first_layer: Literal["same", "exact", "float"] = Field(
        "same", description="the first layer executed: as the others; 8 bits with exact products; floating point"
    )
    last_layer: Literal["same", "exact", "float"] = Field("same", description="likewise the last layer executed")


class TrainingSection(Section):
    """One training: epochs, optimiser, schedule."""

    epochs: Count = Field(description="passes over the training images")
    max_steps: Count | None = Field(None, description="stop after so many steps, whatever the epochs")
    optimizer: Literal["sgd", "adam"] = Field("sgd", description="adam has decoupled weight decay (AdamW)")
    lr: Positive = Field(description="learning rate at the start")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(0.9, description="of SGD; Adam's first moment")
    weight_decay: NonNegative = Field(0.0, description="of weight matrices and kernels only")
    schedule: Literal["constant", "step", "cosine"] = Field(
        "cosine", description="of the learning rate; step: a tenth of it from a half and again from three quarters on"
    )
    augment: bool = Field(True, description="the data set's own augmentation (crop and flip for CIFAR)")
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of the target spread over all classes"
    )
    distillation: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="weight of the float network's softened outputs in the loss (1: nothing else)"
    )
    gradient: Annotated[str, AfterValidator(_estimator)] = Field(
        STRAIGHT_THROUGH,
        description="how a circuit is differentiated, from `agnsim list gradients`; without circuits of no effect",
    )


class NarrowSection(Section):
    """Exact networks with narrower operands: the honest rival of every approximate circuit."""

    widths: Distinct[str] = Field(description="operand widths: a6w5 is 6-bit activations and 5-bit weights")
    retrain: TrainingSection | None = Field(None, description="quantisation-aware training of each")
    keep_untrained: bool = Field(True, description="also report each before its training")

    @field_validator("widths")
    @classmethod
    def _widths(cls, widths: list[str]) -> list[str]:
        for width in widths:
            parse_width(width)
        return widths


class UniformSection(Section):
    """The same circuit in every layer."""

    include: list[str] = Field(["*"], description="patterns of circuit names, within the library's selection")
    retrain: TrainingSection | None = Field(None, description="retraining of each through bit-exact emulation")
    retrain_include: list[str] = Field(["*"], description="which of them are retrained too")


class SearchSection(Section):
    """Learn each layer's noise tolerance, once per noise weight."""

    noise_weights: Distinct[NonNegative] = Field(min_length=1, description="the paper's lambda, one search each")
    sigma_max: Sigma = Field(0.5, description="largest sigma: noise std over the layer's output std")
    sigma_init: Sigma = Field(0.1, description="first value of every sigma, at most sigma_max")
    sigma_lr: Positive = Field(0.02, description="learning rate of log sigma (Adam)")
    training: TrainingSection = Field(description="the training that weights and noise levels share")

    @model_validator(mode="after")
    def _begins_below_the_cap(self) -> SearchSection:
        if self.sigma_init > self.sigma_max:
            raise ValueError(f"sigma_init {self.sigma_init:g} exceeds sigma_max {self.sigma_max:g}; lower it")
        return self


class MatchSection(Section):
    """Give every layer the cheapest circuit whose predicted error fits its tolerance."""

    exclude: list[str] = Field([], description="patterns of circuits that are not matched, though evaluated uniformly")
    tolerance_scales: Distinct[Positive] = Field(
        [1.0], min_length=1, description="factors on every tolerance, one assignment each"
    )
    fold_mean: Literal["none", "predicted", "measured"] = Field(
        "measured",
        description="whose mean error per output channel joins the bias: the error model's, or the sampled one",
    )
    batch_norm_images: Annotated[int, Field(ge=0)] = Field(
        0, description="re-estimate batch norm on so many training images; 0: no"
    )
    mean_limit: Positive = Field(
        1.0, description="where neither removes the means: a layer's mean error is at most so many times its tolerance"
    )
    rows: Count = Field(512, description="receptive fields sampled per layer")
    measure: bool = Field(True, description="put the sampled true error beside every prediction")


class HeadlineSection(Section):
    """Which heterogeneous network the record names first; decided on selection images."""

    max_drop_pp: NonNegative = Field(1.0, description="points below float on the selection images")


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
    headline: HeadlineSection = Field(HeadlineSection(), description="which result the report opens with")

    @model_validator(mode="after")
    def _trained_somehow(self) -> Study:
        if self.model.weights is None and self.train is None:
            raise ValueError("give model.weights, or a train section: the float network has to come from somewhere")
        return self


def parse_width(width: str) -> tuple[int, int]:
    """Return `(activation_bits, weight_bits)` of a name such as `a6w5`.

    Raises:
        ValueError: Not of the form aXwY with widths of 2 to 8 bits.
    """
    digits = width[1:].split("w")
    if width[:1] == "a" and len(digits) == 2 and all(d.isdigit() and 2 <= int(d) <= 8 for d in digits):
        return int(digits[0]), int(digits[1])
    raise ValueError(f"{width!r} is not a width such as a6w5 (2 to 8 bits each)")


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


def _section_at(keys: KeyPath) -> type[BaseModel] | None:
    section: type[BaseModel] | None = Study
    for key in keys:
        if section is None or key not in section.model_fields:
            return None
        section = _section_type(section.model_fields[str(key)].annotation)
    return section


def _section_type(annotation: Any) -> type[BaseModel] | None:
    candidates = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _fields_at(keys: KeyPath) -> list[str]:
    section = _section_at(keys)
    return list(section.model_fields) if section else []


def _description(keys: KeyPath) -> str:
    section = _section_at(keys[:-1]) if keys else None
    info = section.model_fields.get(str(keys[-1])) if section else None
    return f" ({info.description})" if info is not None and info.description else ""
