"""The table of results and the ratio of fronts: from records and the trials beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agnsim.analysis import pack_outcomes
from agnsim.errors import InputError, RunFolderError
from agnsim.report import load_record, results_table
from agnsim.report.hypervolume import mixed_over_narrow, ratio_sentence
from agnsim.report.rival import MAC, MULTIPLICATION

Write = Callable[..., Path]
IMAGES = 200


def with_study(record: dict[str, Any], *, seed: int = 0, **config: Any) -> dict[str, Any]:
    library = {"name": "evoapprox", "include": ["mul8s_*"]}
    found = {"seed": seed, "name": "n", "library": library, "headline": {"max_drop_pp": 1.0}} | config
    study = record["study"] | {"config": found, "command": f"agnsim run s.yaml --set seed={seed}"}
    return record | {"study": study, "seeds": {"seed": seed}}


def with_mac(record: dict[str, Any]) -> dict[str, Any]:
    for trial in record["trials"]:
        if trial["multiplier_energy"] is not None:
            trial["pe_energy"] = 0.4 + 0.6 * trial["multiplier_energy"]
    return record


def cells(table: str, row: int = 0) -> dict[str, str]:
    lines = [
        [cell.strip() for cell in line.strip("| \n").split(" | ")] for line in table.splitlines() if line[:1] == "|"
    ]
    return dict(zip(lines[0], lines[2 + row], strict=True))


def write_trials(folder: Path, record: dict[str, Any], part: str = "report") -> None:
    """Write per-image outcomes that fit the record's accuracies."""
    order = np.random.default_rng(0).random(IMAGES).argsort()
    for trial in record["trials"]:
        right = round(trial["accuracy_top1"] * IMAGES / 100)
        trial["accuracy_top1"] = trial["accuracy_selection"] = 100 * right / IMAGES
        kept = {"images": pack_outcomes(order < right), "total": IMAGES}
        (folder / "trials").mkdir(parents=True, exist_ok=True)
        path = folder / "trials" / f"{trial['trial']}.json"
        path.write_text(json.dumps({"outcome": {"evaluation": {part: kept}}}))
    (folder / "record.json").write_text(json.dumps(record))


def test_one_run_is_a_row_beside_its_rival(record: dict[str, Any], write_run: Write) -> None:
    row = cells(results_table([write_run(with_study(record))]).replace("\N{NO-BREAK SPACE}", " "))
    assert row["network"] == "resnet20"
    assert row["circuits"] == "evoapprox `mul8s_*` (12)"
    assert row["float top-1"] == "91.73 (91.77)"
    assert row["points below float (95 %)"] == "0.96 (0.59 to 1.33)"
    assert row["multiplication energy saved"] == "58.8 %"
    # a5w5 lies 0.51 below float on the selection images; a4w5 lies 1.13 below
    assert row["narrow exact at that limit"] == "a5w5 62.5 %, 0.51 below"
    assert row["command"] == "`agnsim run s.yaml --set seed=0`"
    assert "MAC energy saved" not in row
    assert "paper" not in row


def test_the_rivals_limit_is_the_studys_own(record: dict[str, Any], write_run: Write) -> None:
    folder = write_run(with_study(record, headline={"max_drop_pp": 0.2, "paper": "70 to 79 %"}))
    row = cells(results_table([folder]).replace("\N{NO-BREAK SPACE}", " "))
    assert row["narrow exact at that limit"].startswith("a6w6 45.0 %")
    assert row["paper"] == "70 to 79 %"


def test_mac_energy_fills_its_column_and_the_rivals_cell(record: dict[str, Any], write_run: Write) -> None:
    row = cells(results_table([write_run(with_mac(with_study(record)))]).replace("\N{NO-BREAK SPACE}", " "))
    assert row["MAC energy saved"] == "35.3 %"
    assert row["narrow exact at that limit"] == "a5w5 62.5 %, 0.51 below; MAC: a5w5 37.5 %, 0.51 below"
    assert "; MAC: " in row["hypervolume over narrow exact"]


def test_seeds_are_one_row_and_other_differences_are_another(
    record: dict[str, Any], winning_record: dict[str, Any], write_run: Write
) -> None:
    folders = [
        write_run(with_study(record, seed=10), "a"),
        write_run(with_study(winning_record, seed=2), "b"),
        write_run(with_study(record, search={"noise_weights": [0.1]}), "c"),
    ]
    table = results_table(folders).replace("\N{NO-BREAK SPACE}", " ")
    first = cells(table)
    assert first["multiplication energy saved"] == "62.9 % (58.8 % to 67.0 %, 2 seeds)"
    assert first["points below float (95 %)"] == "0.96 (0.96 to 0.96, 2 seeds), each within 0.59 to 1.33"
    assert first["command"] == "`agnsim run s.yaml --set seed=2`, seeds 2, 10"
    assert cells(table, 1)["multiplication energy saved"] == "58.8 %"


def test_a_run_without_a_headline_has_a_row(float_record: dict[str, Any], write_run: Write) -> None:
    row = cells(results_table([write_run(float_record)]))
    assert row["float top-1"] == "91.73 (91.77)"
    assert "multiplication energy saved" not in row


def test_no_folder_is_a_mistake() -> None:
    with pytest.raises(InputError, match="at least one run folder"):
        results_table([])


def test_the_ratio_has_an_interval_where_the_trials_are_kept(record: dict[str, Any], write_run: Write) -> None:
    folder = write_run(record)
    assert (plain := mixed_over_narrow(load_record(folder), folder)) is not None
    assert plain.low is None
    write_trials(folder, record)
    found = mixed_over_narrow(load_record(folder), folder)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.ratio <= found.high
    assert found.first_front == mixed_over_narrow(load_record(folder)).first_front  # type: ignore[union-attr]
    words = ratio_sentence(found, MULTIPLICATION).replace("\N{NO-BREAK SPACE}", " ")
    assert "95 % interval over images" in words
    assert "5 points below float" in words
    assert ("cannot tell" in words) == (found.low <= 1 <= found.high)


def test_there_is_no_ratio_without_a_rival_or_an_energy(record: dict[str, Any], write_run: Write) -> None:
    assert mixed_over_narrow(load_record(write_run(record)), energy=MAC) is None
    record["trials"] = [trial for trial in record["trials"] if trial["kind"] != "narrow"]
    assert mixed_over_narrow(load_record(write_run(record))) is None


def test_outcomes_of_another_run_are_refused(record: dict[str, Any], write_run: Write) -> None:
    folder = write_run(record)
    write_trials(folder, record)
    record["trials"][0]["accuracy_top1"] -= 1.0
    write_run(record)
    with pytest.raises(RunFolderError, match=r"the record says 9.*They are of two runs"):
        mixed_over_narrow(load_record(folder), folder)
    (folder / "trials" / f"{record['trials'][0]['trial']}.json").write_text("{}")
    with pytest.raises(RunFolderError, match=r"outcome\.evaluation\.report"):
        mixed_over_narrow(load_record(folder), folder)
