"""A data set as loaded: images and labels in memory, checked once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import DataError

Augmentation = Literal["none", "crop_flip"]
AUGMENTATIONS: tuple[Augmentation, ...] = ("none", "crop_flip")


@dataclass(frozen=True, eq=False)
class DataSource:
    """Training and test images with their labels.

    Attributes:
        name: As the user names it.
        train_images: uint8 or float32 `[N, C, H, W]`; uint8 0..255 stands for 0..1.
        train_labels: int64 `[N]`, 0..num_classes-1.
        test_images: As `train_images`.
        test_labels: As `train_labels`.
        num_classes: Number of classes.
        mean: Per channel, in the units of float32 images; a network's input is `(image - mean) / std`.
        std: Per channel, positive.
        augmentation: What suits the training images: `"none"`, or `"crop_flip"` (shift by up to 4 pixels, mirror).
        origin: File, folder or package the data came from; begins each message about them.

    Raises:
        DataError: A shape, dtype, count, value or label is wrong; the message names origin, index and value.
    """

    name: str
    train_images: NDArray[Any]
    train_labels: NDArray[np.int64]
    test_images: NDArray[Any]
    test_labels: NDArray[np.int64]
    num_classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    augmentation: Augmentation = "none"
    origin: str = "memory"

    def __post_init__(self) -> None:
        if self.num_classes < 2:
            raise DataError(f"{self.origin}: {self.num_classes} classes; at least 2 are needed")
        _check_part(self.train_images, self.train_labels, self.num_classes, f"{self.origin}: training")
        _check_part(self.test_images, self.test_labels, self.num_classes, f"{self.origin}: test")
        train, test = self.train_images, self.test_images
        if train.shape[1:] != test.shape[1:] or train.dtype != test.dtype:
            raise DataError(
                f"{self.origin}: training images are {train.dtype} {list(train.shape[1:])}, "
                f"test images {test.dtype} {list(test.shape[1:])}; they must be of one kind"
            )
        for title, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.in_channels or not np.isfinite(values).all():
                raise DataError(f"{self.origin}: {title} is {values}; {self.in_channels} finite numbers are needed")
        if min(self.std) <= 0:
            raise DataError(f"{self.origin}: std is {self.std}; every channel's must be positive")
        if self.augmentation not in AUGMENTATIONS:
            allowed = ", ".join(AUGMENTATIONS)
            raise DataError(f"{self.origin}: augmentation {self.augmentation!r} is unknown; allowed: {allowed}")

    @property
    def in_channels(self) -> int:
        """Channels of every image."""
        return int(self.train_images.shape[1])

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return int(self.train_images.shape[2]), int(self.train_images.shape[3])

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the four arrays, their shapes and dtypes: the provenance of every figure."""
        total = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            total.update(f"{little.dtype.str}{list(little.shape)}".encode())
            total.update(little.reshape(-1).view(np.uint8).data)
        return total.hexdigest()

    def limited(self, train: int | None = None, test: int | None = None) -> DataSource:
        """Return a source with the first `train` training and the first `test` test images only."""
        for title, count, held in (
            ("train_limit", train, len(self.train_labels)),
            ("test_limit", test, len(self.test_labels)),
        ):
            if count is not None and not (isinstance(count, int) and 1 <= count <= held):
                raise DataError(f"{self.origin}: {title} is {count!r}; allowed: 1 to {held}, which is all there are")
        return replace(
            self,
            train_images=self.train_images[:train],
            train_labels=self.train_labels[:train],
            test_images=self.test_images[:test],
            test_labels=self.test_labels[:test],
        )


def channel_statistics(images: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel of uint8 or float32 `[N, C, H, W]`, uint8 as 0..1.

    A constant channel gets the standard deviation 1, so that it can be divided by.
    """
    unit = 255.0 if images.dtype == np.uint8 else 1.0
    channels = [images[:, c] for c in range(images.shape[1])]
    with np.errstate(invalid="ignore"):  # values that are not finite are the source's to report
        mean = tuple(float(c.mean(dtype=np.float64)) / unit for c in channels)
        std = tuple(float(c.std(dtype=np.float64)) / unit for c in channels)
    return mean, tuple(s if s > 0 else 1.0 for s in std)


def _check_part(images: NDArray[Any], labels: NDArray[Any], num_classes: int, place: str) -> None:
    if images.ndim != 4 or 0 in images.shape:
        raise DataError(f"{place} images have the shape {list(images.shape)}; [N, C, H, W], none 0, is needed")
    if images.dtype not in (np.uint8, np.float32):
        raise DataError(f"{place} images are {images.dtype}; uint8 or float32 is needed")
    if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
        raise DataError(
            f"{place} labels are {labels.dtype} {list(labels.shape)}; int64 [{len(images)}], one per image, is needed"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if wrong.size:
        raise DataError(f"{place} label {wrong[0]} is {labels[wrong[0]]}; allowed: 0 to {num_classes - 1}")
    # Smallest and greatest value tell cheaply; only then is the culprit looked for.
    if images.dtype == np.float32 and not np.isfinite([images.min(), images.max()]).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(images))[0])
        raise DataError(f"{place} image {index[0]} holds {images[index]} at [C, H, W] = {list(index[1:])}")
