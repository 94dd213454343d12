"""`record.json` as typed, frozen objects; a fault is named by file and field."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agnsim.errors import RunFolderError

Percent = Annotated[float, Field(ge=0, le=100)]
Ratio = Annotated[float, Field(ge=0)]
Kind = Literal["float", "quantized", "narrow", "uniform", "heterogeneous", "pruned", "pruned_heterogeneous"]


class Part(BaseModel):
    """What all parts share: frozen, strict types, no NaN; unknown fields of later writers are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False, protected_namespaces=())


class Study(Part):
    """What was asked."""

    name: str
    claim: str = ""
    config_digest: str | None = None
    config: dict[str, Any] = {}
    command: str | None = None


class DataSummary(Part):
    """Which images were used for what; counts are images."""

    name: str
    classes: int | None = None
    train: int | None = None
    selection: int | None = None
    report: int | None = None
    all_test: int | None = None
    digest: str | None = None
    selection_rule: str | None = None


class ModelSummary(Part):
    """The network; `macs` for one sample."""

    name: str
    parameters: int | None = None
    macs: int | None = None


class Reference(Part):
    """The exact circuit that every energy ratio is relative to."""

    name: str
    digest: str | None = None
    flow: str | None = None
    technology: str | None = None


class Circuit(Part):
    """One multiplier of the study's library; ratios are to the reference of its own flow."""

    name: str
    digest: str | None = None
    family: str | None = None
    source: str | None = None
    bits_a: int | None = None
    bits_b: int | None = None
    signed_a: bool | None = None
    signed_b: bool | None = None
    mae: float | None = None
    wce: float | None = None
    mre: float | None = None
    ep: float | None = None
    mean_error: float | None = None
    error_std: float | None = None
    rank: int | None = None
    energy_ratio: Ratio | None = None
    area_ratio: Ratio | None = None
    delay_ratio: Ratio | None = None
    flow: str | None = None


class LibrarySummary(Part):
    """The candidates."""

    name: str
    circuits: list[Circuit] = []


class Layer(Part):
    """One multiplying layer of the network, in network order; `macs` for one sample."""

    name: str
    kind: str | None = None
    macs: Annotated[int, Field(ge=0)]
    fan_in: int | None = None
    out_channels: int | None = None
    groups: int | None = None
    excluded: bool = False


class Placement(Part):
    """What one layer of a heterogeneous trial multiplies with; std and mean in real output units."""

    layer: str
    multiplier: str
    digest: str | None = None
    swapped: bool | None = None
    encoding_a: str | None = None
    encoding_w: str | None = None
    energy_ratio: Ratio | None = None
    sigma: float | None = None
    tolerance: float | None = None
    predicted_std: float | None = None
    predicted_mean: float | None = None
    measured_std: float | None = None
    measured_mean: float | None = None
    output_std: float | None = None


class Epoch(Part):
    """One row of a training history; accuracy in percent."""

    stage: str = ""
    epoch: float
    loss: float | None = None
    task_loss: float | None = None
    accuracy: float | None = None
    lr: float | None = None
    seconds: float | None = None
    sigma: dict[str, float] = {}


class Trial(Part):
    """One network that was evaluated: accuracies in percent, drops in percentage points, energies as ratios."""

    trial: str
    kind: Kind
    retrained: bool | None
    accuracy_top1: Percent | None
    multiplier_energy: Ratio | None
    method: str | None = None
    model: str | None = None
    multiplier: str | None = None
    accuracy_selection: Percent | None = None
    accuracy_top5: Percent | None = None
    accuracy_top1_all: Percent | None = None
    accuracy_drop_pp: float | None = None
    drop_low_pp: float | None = None
    drop_high_pp: float | None = None
    pe_energy: Ratio | None = None
    on_chip_energy: Ratio | None = None
    system_energy: Ratio | None = None
    macs_ratio: Ratio | None = None
    params_ratio: Ratio | None = None
    distinct_multipliers: int | None = None
    noise_weight: float | None = None
    seed: int | None = None
    digest: str | None = None
    checkpoint: str | None = None
    energy_flow: str | None = None
    bits_a: int | None = None
    bits_b: int | None = None
    seconds: float | None = None
    pe_label: str | None = None
    graph: str | None = None
    graph_note: str | None = None
    layers: list[Placement] = []
    history: list[Epoch] = []

    @property
    def label(self) -> str:
        """A short name for legends and sentences; unique only together with the trial id."""
        widths = f"a{self.bits_a}w{self.bits_b}" if self.bits_a and self.bits_b else self.multiplier or self.trial
        if self.kind == "float":
            return "float"
        if self.kind == "quantized":
            return f"exact {widths}"
        if self.kind == "narrow":
            return f"narrow exact {f'per layer ({self.multiplier or self.trial})' if self.layers else widths}"
        if self.kind == "uniform":
            return f"uniform {self.multiplier or self.trial}"
        if self.multiplier:
            return self.multiplier
        if self.noise_weight is not None:
            return f"{self.kind.replace('_', ' ')}, noise weight {self.noise_weight:g}"
        return f"{self.kind.replace('_', ' ')} {self.trial}"


class Search(Part):
    """One noise search; sigma = noise std / std of the layer's accurate output."""

    noise_weight: float
    sigma_max: float | None = None
    sigma: dict[str, float] = {}
    history: list[Epoch] = []


class Prediction(Part):
    """Error statistics of one choice in one layer, predicted and measured, in real output units."""

    layer: str
    multiplier: str
    swapped: bool | None = None
    encoding_a: str | None = None
    encoding_w: str | None = None
    predicted_mean: float | None = None
    predicted_std: float | None = None
    measured_mean: float | None = None
    measured_std: float | None = None
    output_std: float | None = None


class Timing(Part):
    """How long a stage took, in seconds."""

    stage: str
    seconds: float | None = None
    cached: bool = False


class Record(Part):
    """A whole `record.json` (format 1)."""

    format: Literal[1]
    study: Study
    environment: dict[str, Any] = {}
    seeds: dict[str, Any] = {}
    data: DataSummary
    model: ModelSummary
    reference_multiplier: Reference | None = None
    library: LibrarySummary | None = None
    layers: list[Layer] = []
    trials: list[Trial]
    searches: list[Search] = []
    predictions: list[Prediction] = []
    headline: str | None = None
    headline_rule: str | None = None
    timings: list[Timing] = []

    def of_kind(self, *kinds: str) -> list[Trial]:
        """Return the trials of these kinds, in the record's order."""
        return [trial for trial in self.trials if trial.kind in kinds]

    @property
    def float_trial(self) -> Trial | None:
        """The unquantised network, if the study evaluated it."""
        return next(iter(self.of_kind("float")), None)

    @property
    def headline_trial(self) -> Trial | None:
        """The trial that the study's claim is about."""
        return next((trial for trial in self.trials if trial.trial == self.headline), None)

    @cached_property
    def mac_share(self) -> dict[str, float]:
        """Share of each layer in the network's multiply-accumulates, 0 to 1, in network order."""
        total = sum(layer.macs for layer in self.layers) or 1
        return {layer.name: layer.macs / total for layer in self.layers}


def load_record(run_dir: Path) -> Record:
    """Read and check `record.json` of a run folder.

    Raises:
        RunFolderError: The folder or file is missing, is no JSON, or a field is missing, of the wrong type or
            out of range; the message names file and field.
    """
    path = run_dir / "record.json"
    if not path.is_file():
        raise RunFolderError(
            f"{run_dir}: {'not a folder' if not run_dir.is_dir() else 'has no record.json'}, so there is nothing to "
            "report. Give a folder of a finished run; where it was interrupted, the same `agnsim run` goes on with it."
        )
    try:
        record = Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunFolderError(_explain(path, error)) from None
    repeated = [trial for trial, count in Counter(trial.trial for trial in record.trials).items() if count > 1]
    if repeated:
        raise RunFolderError(f"{path}: trials: the id {repeated[0]!r} occurs more than once; ids must be unique.")
    if record.headline is not None and record.headline_trial is None:
        raise RunFolderError(f"{path}: headline: names the trial {record.headline!r}, which is not among the trials.")
    return record


def _explain(path: Path, error: ValidationError) -> str:
    faults = error.errors(include_url=False)
    first = faults[0]
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).lstrip(".")
    found = "" if first["type"] in ("missing", "json_invalid") else f" (found {_shorten(first['input'])})"
    more = f" There are {len(faults) - 1} more faults." if len(faults) > 1 else ""
    return f"{path}: {field + ': ' if field else ''}{first['msg']}{found}.{more} Resume the study to write it again."


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
