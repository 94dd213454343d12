"""Ablations as one Markdown table: which switch is worth what, from trials that differ in one switch each.

A YAML file says which trial stands for which setting; what it reaches is read from the recorded runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agnsim.analysis import paired_interval
from agnsim.errors import InputError, did_you_mean
from agnsim.markdown import markdown_table
from agnsim.report.numbers import fixed, interval, percent, saving
from agnsim.report.outcomes import read_outcomes
from agnsim.report.record import Record, Trial, load_record

Value = str | float | int | bool | None
_DEFINING = ("kind", "method", "multiplier", "noise_weight", "bits_a", "bits_b")
_COLUMNS = tuple(name for name in Trial.model_fields if name not in ("layers", "history", "retrained"))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AblationRow(_Part):
    """One setting of one switch.

    Attributes:
        switch: What is switched.
        value: What it is set to.
        run: Run folder, relative to the file.
        trial: Columns of `results.csv` and the values that pick the trial, before and after retraining; none: the
            run's headline.
        base: Whether the other rows are compared with this one.
    """

    switch: str
    value: str
    run: str
    trial: dict[str, Value] = {}
    base: bool = False


class AblationFile(_Part):
    """The rows, in the table's order."""

    rows: list[AblationRow] = Field(default_factory=list)


@dataclass(frozen=True)
class Setting:
    """A row with the trials that stand for it."""

    row: AblationRow
    folder: Path
    record: Record
    before: Trial | None
    after: Trial | None

    @property
    def last(self) -> Trial:
        """The network after retraining, or as matched where it was not retrained."""
        trial = self.after or self.before
        assert trial is not None
        return trial


def ablation_table(path: Path) -> str:
    """Return the Markdown table that a file of ablations describes, or a line where it has no rows yet.

    Accuracies are of the selection images: switches are chosen, and what chooses is not what is reported.

    Raises:
        InputError: The file is missing or faulty, or a row picks no trial, or several.
        RunFolderError: A run has no record, or a faulty one.
    """
    rows = read_ablations(path).rows
    bases = [index for index, row in enumerate(rows) if row.base]
    if len(bases) > 1:
        raise InputError(f"{path}: rows[{bases[1]}].base: rows[{bases[0]}] is the base already; keep one.")
    if not rows:
        return "No ablation is recorded yet.\n"
    settings = [_setting(path, index, row) for index, row in enumerate(rows)]
    base = settings[bases[0]] if bases else None
    has_mac = any(setting.last.pe_energy is not None for setting in settings)
    header = [
        "switch",
        "value",
        "top-1 before retraining",
        "after",
        *(["against the base (95 %)"] if base else []),
        "multiplication energy saved",
        *(["MAC energy saved"] if has_mac else []),
        "trial",
    ]
    lines = [
        [
            setting.row.switch,
            setting.row.value,
            fixed(setting.before.accuracy_selection if setting.before else None),
            fixed(setting.after.accuracy_selection if setting.after else None),
            *([_against(setting, base)] if base else []),
            percent(saving(setting.last.multiplier_energy)),
            *([percent(saving(setting.last.pe_energy))] if has_mac else []),
            f"`{setting.last.trial}` of `{setting.row.run}`",
        ]
        for setting in settings
    ]
    return markdown_table(header, lines)


def read_ablations(path: Path) -> AblationFile:
    """Read a file of ablations.

    Raises:
        InputError: It is missing, is no YAML, or a key is missing, unknown or of the wrong type.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return AblationFile.model_validate({} if data is None else data)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML: {error}") from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault["loc"]).lstrip(".")
        allowed = ", ".join(AblationRow.model_fields)
        raise InputError(f"{path}: {place}: {fault['msg']}. A row has the keys {allowed}.") from None


def _setting(path: Path, index: int, row: AblationRow) -> Setting:
    place = f"{path}: rows[{index}] ({row.switch}: {row.value})"
    folder = path.parent / row.run
    record = load_record(folder)
    wanted = dict(row.trial)
    for name in wanted:
        if name not in _COLUMNS:
            raise InputError(f"{place}: trial.{name} is no column that picks a trial.{did_you_mean(name, _COLUMNS)}")
    if not wanted:
        headline = record.headline_trial
        if headline is None:
            raise InputError(
                f"{place}: {row.run} has no headline; name its trial by columns, as `trial: {{method: …}}`."
            )
        wanted = {name: getattr(headline, name) for name in _DEFINING}
    found = [trial for trial in record.trials if all(getattr(trial, name) == value for name, value in wanted.items())]
    if not found:
        raise InputError(f"{place}: no trial of {row.run} has {wanted}.")
    halves = [[t for t in found if not t.retrained], [t for t in found if t.retrained]]
    for half in halves:
        if len(half) > 1:
            names = ", ".join(f"{t.trial} ({t.label})" for t in half[:5])
            raise InputError(f"{place}: {len(half)} trials of {row.run} have {wanted}: {names}. Name more columns.")
    before, after = (half[0] if half else None for half in halves)
    return Setting(row, folder, record, before, after)


def _against(setting: Setting, base: Setting) -> str:
    """Return how many points a setting gains over the base, paired by image where both chose on the same images."""
    if setting is base:
        return "base"
    own, other = setting.last, base.last
    if own.accuracy_selection is None or other.accuracy_selection is None:
        return ""
    plain = _signed(own.accuracy_selection - other.accuracy_selection)
    if _images(setting) != _images(base):
        return plain
    mine = read_outcomes(setting.folder, [own], "selection")
    theirs = read_outcomes(base.folder, [other], "selection")
    if not mine or not theirs:
        return plain
    drop, low, high = paired_interval(theirs[other.trial], mine[own.trial])
    return f"{_signed(-drop)} ({interval(-high, -low)})"


def _images(setting: Setting) -> tuple[object, ...]:
    """Return what decides which images a run chose on."""
    record = setting.record
    return record.data.digest, record.data.selection, record.data.selection_rule, record.seeds.get("seed")


def _signed(value: float) -> str:
    return ("+" if round(value, 2) > 0 else "") + fixed(value)
