"""Which images train, which calibrate, which choose, and which judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agnsim.data.images import ImageSet
from agnsim.data.sampling import stratified
from agnsim.data.source import DataSource
from agnsim.errors import DataError, UnknownName, did_you_mean

Selection = Literal["validation", "test_half"]

_HALVES_SEED = 0  # never the study's: two studies with different seeds must not report each other's selection images


@dataclass(frozen=True, eq=False)
class Splits:
    """The images of a source by purpose; selection, report and train share no image.

    Attributes:
        train: Trains.
        calibration: Some of `train`, in random order: ranges of quantisers, error model.
        selection: Chooses: circuits, noise weights, stopping.
        report: Judges.
        all_test: All test images.
        selection_in_test: int64 `[S]`, positions of `selection` in `all_test`; `None` where it is not part of it.
        report_in_test: int64 `[R]`, positions of `report` in `all_test`.
        rule: One sentence that says which images choose and which judge.
    """

    train: ImageSet
    calibration: ImageSet
    selection: ImageSet
    report: ImageSet
    all_test: ImageSet
    selection_in_test: Tensor | None
    report_in_test: Tensor
    rule: str


def split(
    source: DataSource,
    *,
    selection: Selection = "validation",
    validation: int | float = 0.1,
    calibration: int = 512,
    seed: int = 0,
) -> Splits:
    """Divide a source. Every part keeps the source's order, except `calibration`.

    Args:
        source: The data.
        selection: `"validation"`: a stratified part of the training images chooses, the whole test set judges.
            `"test_half"`: a stratified half of the test images, the same for every seed, chooses and the other half
            judges; for networks that have memorised the training images.
        validation: Number or fraction of training images that choose; used by `"validation"` only.
        calibration: Number of training images to calibrate with (at most all of them).
        seed: Of the validation part and the calibration images.

    Raises:
        UnknownName: `selection` is neither of these.
        DataError: A size leaves nothing to train, to choose or to report on; or the seed is negative.
    """
    if selection not in get_args(Selection):
        raise UnknownName(f"unknown selection {selection!r}.{did_you_mean(selection, get_args(Selection))}")
    if calibration < 1:
        raise DataError(f"{source.origin}: calibration is {calibration} images; at least 1 is needed")
    if seed < 0:
        raise DataError(f"{source.origin}: the split's seed is {seed}; it must not be negative")
    whole_train = _image_set(source, source.train_images, source.train_labels)
    all_test = _image_set(source, source.test_images, source.test_labels)
    tests = len(all_test)
    if selection == "test_half":
        if tests < 2:
            raise DataError(f"{source.origin}: {tests} test image cannot be halved; use selection 'validation'")
        chosen, rest = _divide(source.test_labels, tests // 2, _HALVES_SEED)
        train, selecting = whole_train, all_test.subset(chosen)
        report, selection_in_test, report_in_test = all_test.subset(rest), chosen, rest
        rule = (
            f"Choices were made on a fixed, seeded, stratified half of the test images ({len(chosen)}); "
            f"the other half ({len(rest)}) is reported."
        )
    else:
        chosen, rest = _divide(source.train_labels, _validation_size(source, validation), seed)
        train, selecting = whole_train.subset(rest), whole_train.subset(chosen)
        report, selection_in_test, report_in_test = all_test, None, torch.arange(tests)
        rule = (
            f"Choices were made on {len(chosen)} stratified images of the training set (seed {seed}), which were "
            f"never trained on; all {tests} test images are reported."
        )
    order = np.random.default_rng([seed, 1]).permutation(len(train))[:calibration]
    calibrating = train.subset(torch.from_numpy(order))
    return Splits(train, calibrating, selecting, report, all_test, selection_in_test, report_in_test, rule)


def _image_set(source: DataSource, images: NDArray[Any], labels: NDArray[np.int64]) -> ImageSet:
    return ImageSet(
        images=torch.from_numpy(images),
        labels=torch.from_numpy(labels),
        mean=torch.tensor(source.mean, dtype=torch.float32),
        std=torch.tensor(source.std, dtype=torch.float32),
        indices=torch.arange(len(labels)),
    )


def _divide(labels: NDArray[np.int64], count: int, seed: int) -> tuple[Tensor, Tensor]:
    chosen = stratified(labels, count, seed=seed)
    return torch.from_numpy(chosen), torch.from_numpy(np.setdiff1d(np.arange(len(labels)), chosen))


def _validation_size(source: DataSource, validation: int | float) -> int:
    held = len(source.train_labels)
    count = round(validation * held) if isinstance(validation, float) else validation
    if not 1 <= count < held:
        raise DataError(
            f"{source.origin}: validation is {validation!r}, that is {count} of {held} training images; "
            f"allowed: 1 to {held - 1}, or a fraction between 0 and 1"
        )
    return count
