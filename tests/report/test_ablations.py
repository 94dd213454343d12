"""The table of ablations, from small made-up runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agnsim.analysis import pack_outcomes
from agnsim.errors import AgnsimError, InputError
from agnsim.report.ablations import ablation_table

IMAGES = 1000


def write_run(folder: Path, *trials: tuple[str, str, bool, int], seed: int = 0, **more: Any) -> None:
    """Write a run of trials `(id, multiplier, retrained, images right)`."""
    rows = []
    order = np.random.default_rng(0).random(IMAGES).argsort()
    (folder / "trials").mkdir(parents=True)
    for name, multiplier, retrained, right in trials:
        accuracy = 100 * right / IMAGES
        row = {"trial": name, "kind": "heterogeneous", "method": "noise search", "multiplier": multiplier}
        row |= {"retrained": retrained, "accuracy_top1": 1.0, "accuracy_selection": accuracy, "multiplier_energy": 0.25}
        rows.append(row | more)
        part = {"images": pack_outcomes(order < right), "total": IMAGES}
        content = {"outcome": {"evaluation": {"selection": part}}}
        (folder / "trials" / f"{name}.json").write_text(json.dumps(content))
    record = {"format": 1, "study": {"name": "s"}, "data": {"name": "d", "digest": "x"}, "model": {"name": "m"}}
    record |= {"trials": rows, "headline": rows[-1]["trial"], "seeds": {"seed": seed}}
    (folder / "record.json").write_text(json.dumps(record))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_run(tmp_path / "default", ("d0", "mix", False, 700), ("d1", "mix", True, 900))
    write_run(tmp_path / "switched", ("o0", "other", False, 5), ("s0", "mix", False, 650), ("s1", "mix", True, 850))
    write_run(tmp_path / "seeded", ("t0", "mix", False, 910), seed=1)
    return tmp_path / "ablations.yaml"


ROWS = """
rows:
  - {switch: gradient, value: straight-through, run: default, base: true}
  - {switch: gradient, value: difference, run: switched, trial: {method: noise search, multiplier: mix}}
  - {switch: retraining, value: none, run: seeded}
"""


def table(path: Path) -> list[list[str]]:
    lines = ablation_table(path).replace("\N{NO-BREAK SPACE}", " ").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_rows_are_read_from_their_runs(file: Path) -> None:
    file.write_text(ROWS)
    head, _, base, difference, none = table(file)
    assert head[2:4] == ["top-1 before retraining", "after"]
    assert base == ["gradient", "straight-through", "70.00", "90.00", "base", "75.0 %", "`d1` of `default`"]
    assert difference[:4] == ["gradient", "difference", "65.00", "85.00"]
    assert difference[4].startswith("−5.00 (−6.")  # paired: the same images, 50 of 1000 lost and none won
    assert difference[6] == "`s1` of `switched`"
    # another seed may have chosen on other images, so there is no paired interval
    assert none[2:5] == ["91.00", "", "+1.00"]


def test_mac_energy_has_a_column_where_it_is_known(file: Path) -> None:
    write_run(file.parent / "mac", ("m1", "mix", True, 900), pe_energy=0.5)
    file.write_text("rows: [{switch: s, value: v, run: mac}]")
    head, _, row = table(file)
    assert row[head.index("MAC energy saved")] == "50.0 %"
    assert "against the base (95 %)" not in head


@pytest.mark.parametrize("text", ["", "rows: []", "# nothing"])
def test_no_rows_are_said_to_be_none(file: Path, text: str) -> None:
    file.write_text(text)
    assert ablation_table(file) == "No ablation is recorded yet.\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rows: [{switch: s, value: v, run: switched, trial: {kind: heterogeneous}}]", r"rows\[0\] \(s: v\): 2 trials"),
        ("rows: [{switch: s, value: v, run: switched, trial: {multiplier: none}}]", "no trial of switched has"),
        ("rows: [{switch: s, value: v, run: switched, trial: {metod: x}}]", "trial.metod.*Did you mean 'method'"),
        ("rows: [{switch: s, value: v, run: nowhere}]", "nowhere: not a folder"),
        ("rows: [{switch: s, value: v}]", r"rows\[0\]\.run: Field required"),
        ("rows: [{switch: s, value: v, run: r, colour: red}]", r"rows\[0\]\.colour"),
        ("rows: {", "cannot be read as YAML"),
        (ROWS.replace("run: seeded", "run: seeded, base: true"), r"rows\[2\]\.base: rows\[0\] is the base already"),
    ],
)
def test_mistakes_are_named(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(AgnsimError, match=message):
        ablation_table(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ablations\.yaml"):
        ablation_table(tmp_path / "ablations.yaml")
