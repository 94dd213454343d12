"""Data sets in files of the user: `npz` and `image_folder`."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from agnsim.data.arrays import KEYS, Layout, source_from_arrays
from agnsim.data.source import Augmentation, DataSource
from agnsim.data_root import find, looked_in
from agnsim.errors import DataError
from agnsim.foreign import import_optional


def read_npz(file: Path) -> dict[str, Any]:
    """Return the arrays x_train, y_train, x_test, y_test of a NumPy archive, as far as it has them.

    Raises:
        DataError: It is no readable archive of plain arrays.
    """
    try:
        # Opened here: NumPy leaves a file that turns out to be no archive open.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {key: archive[key] for key in KEYS if key in archive}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError, TypeError) as error:
        raise DataError(
            f"{file} cannot be read as an .npz archive of plain arrays: {error}. Is it whole? Copy it anew"
        ) from error


def npz(
    path: str,
    *,
    root: Path | None = None,
    layout: Layout = "auto",
    num_classes: int | None = None,
    augmentation: Augmentation = "none",
) -> DataSource:
    """Your own arrays: an .npz file with x_train, y_train, x_test, y_test."""
    file = find(path, root)
    if file is None:
        raise DataError(f"no data file {path!r}: {looked_in(path, root)}")
    return source_from_arrays(
        read_npz(file),
        name=file.stem,
        origin=str(file),
        layout=layout,
        num_classes=num_classes,
        augmentation=augmentation,
    )


def image_folder(
    path: str, *, root: Path | None = None, image_size: int = 32, augmentation: Augmentation = "crop_flip"
) -> DataSource:
    """Your own images: folders train/CLASS/*.png and test/CLASS/*.png, resized and held in memory."""
    folder = find(path, root)
    if folder is None:
        raise DataError(f"no image folder {path!r}: {looked_in(path, root)}")
    if not (isinstance(image_size, int) and image_size >= 1):
        raise DataError(f"image_folder: image_size is {image_size!r}; a positive number of pixels is needed")
    train_x, train_y, classes = _read_folder(folder / "train", image_size)
    test_x, test_y, test_classes = _read_folder(folder / "test", image_size)
    if classes != test_classes:
        differ = sorted(set(classes) ^ set(test_classes))
        raise DataError(f"{folder}: train and test have other classes: {', '.join(differ[:8])} is in one of them only")
    return source_from_arrays(
        {"x_train": train_x, "y_train": train_y, "x_test": test_x, "y_test": test_y},
        name=folder.name,
        origin=str(folder),
        layout="NHWC",
        num_classes=len(classes),
        augmentation=augmentation,
    )


def _read_folder(folder: Path, size: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; an image folder holds train/CLASS/*.png and test/CLASS/*.png")
    vision = import_optional("torchvision.datasets", "the data set 'image_folder'")
    pillow = import_optional("PIL.Image", "the data set 'image_folder'")
    try:
        listed = vision.ImageFolder(str(folder))
    except FileNotFoundError as error:
        raise DataError(f"{folder}: {error}") from error
    images = np.empty((len(listed.samples), size, size, 3), np.uint8)
    for index, (file, _) in enumerate(listed.samples):
        try:
            with pillow.open(file) as image:
                images[index] = np.asarray(image.convert("RGB").resize((size, size), pillow.Resampling.BILINEAR))
        except (OSError, ValueError) as error:
            raise DataError(f"{file} cannot be read as an image: {error}") from error
    return images, np.array([label for _, label in listed.samples], np.int64), list(listed.classes)
