"""The rows of `results.csv`: the public columns first, an empty cell for what is not known."""

import numpy as np
import pytest

from agnsim.analysis import unpack_outcomes
from agnsim.errors import RunFolderError
from agnsim.experiment.results import COLUMNS, pack, read_results, result_row, write_results
from agnsim.experiment.store import Trial

PUBLIC = """
trial kind method model multiplier retrained accuracy_selection accuracy_top1 accuracy_top5 accuracy_drop_pp drop_low_pp
drop_high_pp multiplier_energy pe_energy on_chip_energy system_energy macs_ratio params_ratio distinct_multipliers
noise_weight seed digest checkpoint
"""


ENERGY = {"multiplier_energy": 0.5, "energy_flow": "unit", "pe_energy": 0.8, "pe_label": "characterised MAC"}
NONE = {"multiplier_energy": None, "energy_flow": "", "pe_energy": None, "pe_label": ""}


def trial(digest: str, correct: list[bool], **outcome: object) -> Trial:
    part = pack(np.array(correct), None)
    evaluation = {"selection": part, "report": part, "all": part}
    found = {"method": "m", "retrained": False, "seconds": 1.0, "evaluation": evaluation} | outcome
    return Trial(digest * 64, {"kind": "float" if digest == "a" else "uniform"}, found, cached=False)


def test_public_columns_come_first_and_in_their_order():
    public = PUBLIC.split()
    assert list(COLUMNS[: len(public)]) == public
    assert len(set(COLUMNS)) == len(COLUMNS)


@pytest.mark.parametrize("images", [1, 7, 8, 9, 120])
def test_outcome_per_image_is_kept_whole(images):
    correct = np.random.default_rng(images).random(images) < 0.5
    part = pack(correct, correct)
    assert np.array_equal(unpack_outcomes(part), correct)
    assert part["top1"] == part["top5"] == 100 * correct.sum() / images
    assert (part["correct"], part["total"]) == (correct.sum(), images)


def test_row_has_every_column_and_pairs_the_drop_by_image():
    base, other = trial("a", [True, True, False, False]), trial("b", [True, False, True, False])
    row = result_row(other, base, ENERGY, model="net", seed=3)
    assert tuple(row) == COLUMNS
    assert (row["accuracy_top1"], row["accuracy_drop_pp"], row["seed"]) == (50.0, 0.0, 3)
    assert (row["multiplier_energy"], row["energy_flow"]) == (0.5, "unit")
    assert row["drop_low_pp"] < 0 < row["drop_high_pp"]
    assert (row["trial"], row["digest"]) == ("b" * 12, "b" * 64)


def test_float_network_has_no_drop_and_no_energy():
    base = trial("a", [True, False])
    row = result_row(base, base, NONE, model="net", seed=0)
    for name in ("accuracy_drop_pp", "drop_low_pp", "drop_high_pp", "multiplier_energy", "distinct_multipliers"):
        assert row[name] is None


def test_written_rows_read_back_and_missing_is_empty(tmp_path):
    base = trial("a", [True, False])
    row = result_row(base, base, NONE, model='a,"b"', seed=0)
    write_results(tmp_path / "results.csv", [row])
    (back,) = read_results(tmp_path / "results.csv")
    assert back == {name: "" if value is None else str(value) for name, value in row.items()}


@pytest.mark.parametrize("text", ["", "trial,kind\n1,2\n"])
def test_file_without_the_columns_is_refused(tmp_path, text):
    (tmp_path / "results.csv").write_text(text)
    with pytest.raises(RunFolderError, match=r"results\.csv: lacks the column"):
        read_results(tmp_path / "results.csv")


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match=r"results\.csv: cannot be read as CSV"):
        read_results(tmp_path / "results.csv")
