"""Nothing is chosen on images that are reported: parts are disjoint, complete and the same every time."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agnsim.data import DataSource, load_dataset, split, stratified
from agnsim.errors import DataError, UnknownName


@pytest.fixture(scope="module")
def digits() -> DataSource:
    return load_dataset("digits")


def parts(*sets: object) -> list[int]:
    return sorted(torch.cat([s.indices for s in sets]).tolist())  # type: ignore[attr-defined]


def test_validation_part_is_taken_from_training_and_the_whole_test_set_is_reported(digits: DataSource) -> None:
    splits = split(digits, validation=97, calibration=64, seed=3)
    assert (len(splits.train), len(splits.selection), len(splits.report)) == (1200, 97, 500)
    assert parts(splits.train, splits.selection) == list(range(1297))
    assert splits.selection_in_test is None
    assert torch.equal(splits.report_in_test, torch.arange(500))
    assert set(splits.calibration.indices.tolist()) <= set(splits.train.indices.tolist())
    assert "97 stratified images of the training set" in splits.rule


def test_halves_of_the_test_set_keep_its_order(digits: DataSource) -> None:
    splits = split(digits, selection="test_half")
    assert (len(splits.train), len(splits.selection), len(splits.report)) == (1297, 250, 250)
    assert parts(splits.selection, splits.report) == list(range(500))
    for part, positions in ((splits.selection, splits.selection_in_test), (splits.report, splits.report_in_test)):
        assert positions is not None
        assert torch.equal(part.indices, positions)
        assert torch.equal(part.indices, part.indices.sort().values)
        assert torch.equal(part.images, splits.all_test.images[positions])
    difference = splits.selection.labels.bincount() - splits.report.labels.bincount()
    assert difference.abs().max() <= 1


def test_halves_do_not_depend_on_the_seed_but_validation_does(digits: DataSource) -> None:
    a, b = (split(digits, selection="test_half", seed=s) for s in (0, 1))
    assert torch.equal(a.selection.indices, b.selection.indices)
    assert not torch.equal(a.calibration.indices, b.calibration.indices)
    c, d, e = (split(digits, seed=s) for s in (0, 1, 1))
    assert not torch.equal(c.selection.indices, d.selection.indices)
    assert torch.equal(d.selection.indices, e.selection.indices)
    assert torch.equal(d.calibration.indices, e.calibration.indices)


def test_a_fraction_of_cifar_sized_training_data() -> None:
    images, labels = np.zeros((50, 1, 1, 1), np.uint8), np.arange(50) % 10
    source = DataSource("toy", images, labels, images, labels, 10, (0.0,), (1.0,))
    splits = split(source, validation=0.2)
    assert splits.selection.labels.bincount().tolist() == [1] * 10


@pytest.mark.parametrize("validation", [0, 1297, 0.0001, 1.0, -1])
def test_sizes_that_leave_nothing(digits: DataSource, validation: float) -> None:
    with pytest.raises(DataError, match="allowed: 1 to 1296, or a fraction"):
        split(digits, validation=validation)


def test_other_mistakes(digits: DataSource) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'validation'"):
        split(digits, selection="validaton")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="calibration is 0"):
        split(digits, calibration=0)
    with pytest.raises(DataError, match="seed is -1"):
        split(digits, seed=-1)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.data())
def test_stratified_choice_has_the_count_and_each_class_its_share(labels: list[int], data: st.DataObject) -> None:
    array = np.array(labels, np.int64)
    count = data.draw(st.integers(0, len(labels)))
    chosen = stratified(array, count, seed=1)
    assert len(chosen) == len(set(chosen.tolist())) == count
    for c in range(6):
        share = (array == c).sum() * count / len(labels)
        assert abs((array[chosen] == c).sum() - share) < 1
