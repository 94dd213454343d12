"""Public data sets: `digits` (bundled with scikit-learn), `cifar10`, `cifar100`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from agnsim.data.arrays import KEYS, source_from_arrays
from agnsim.data.files import read_npz
from agnsim.data.sampling import stratified
from agnsim.data.source import DataSource
from agnsim.data_root import data_root
from agnsim.errors import DataError
from agnsim.foreign import import_optional

_DIGITS_TEST = 500
_CIFAR_SHAPE = (32, 32, 3)


def digits(*, root: Path | None = None) -> DataSource:
    """1,797 handwritten digits of 8 x 8 pixels from scikit-learn: 1,297 to train, 500 to test. No download."""
    bundled = import_optional("sklearn.datasets", "the data set 'digits'").load_digits()
    images = (bundled.images / 16.0).astype(np.float32)[:, None]
    labels = bundled.target.astype(np.int64)
    is_test = np.zeros(len(labels), bool)
    is_test[stratified(labels, _DIGITS_TEST, seed=0)] = True
    return DataSource(
        name="digits",
        train_images=images[~is_test],
        train_labels=labels[~is_test],
        test_images=images[is_test],
        test_labels=labels[is_test],
        num_classes=10,
        mean=(0.305,),
        std=(0.376,),
        origin="scikit-learn digits",
    )


def cifar10(*, root: Path | None = None) -> DataSource:
    """CIFAR-10: 50,000 + 10,000 colour images of 32 x 32 pixels, 10 classes (Krizhevsky 2009)."""
    return _cifar("cifar10", "CIFAR10", 10, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), root)


def cifar100(*, root: Path | None = None) -> DataSource:
    """CIFAR-100: 50,000 + 10,000 colour images of 32 x 32 pixels, 100 classes (Krizhevsky 2009)."""
    return _cifar("cifar100", "CIFAR100", 100, (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762), root)


def _cifar(
    name: str, class_name: str, classes: int, mean: tuple[float, ...], std: tuple[float, ...], root: Path | None
) -> DataSource:
    base = data_root(root)
    file = None if base is None else base / f"{name}.npz"
    if file is not None and file.is_file():
        arrays, origin = read_npz(file), str(file)
    else:
        folder = base if base is not None else Path.home() / ".cache" / "agnsim"
        arrays, origin = _download(class_name, folder, file), str(folder)
    for key in KEYS[::2]:
        if key in arrays and (arrays[key].dtype != np.uint8 or arrays[key].shape[1:] != _CIFAR_SHAPE):
            found = f"{arrays[key].dtype} {list(arrays[key].shape)}"
            raise DataError(f"{origin}: {key} is {found}; {name} has uint8 [N, 32, 32, 3]")
    return source_from_arrays(
        arrays,
        name=name,
        origin=origin,
        layout="NHWC",
        num_classes=classes,
        mean=mean,
        std=std,
        augmentation="crop_flip",
    )


def _download(class_name: str, folder: Path, file: Path | None) -> dict[str, Any]:
    vision = import_optional("torchvision.datasets", f"downloading {class_name}")
    try:
        parts = [getattr(vision, class_name)(str(folder), train=train, download=True) for train in (True, False)]
    except (OSError, RuntimeError, ValueError) as error:
        tried = f"there is no {file}, and " if file else "AGNSIM_DATA is not set, and "
        raise DataError(
            f"{class_name}: {tried}downloading it into {folder} failed: {error}. Put {class_name.lower()}.npz (Keras' "
            "layout: x_train, y_train, x_test, y_test) into a folder and set AGNSIM_DATA to that folder"
        ) from error
    train, test = parts
    return {
        "x_train": train.data,
        "y_train": np.array(train.targets, np.int64),
        "x_test": test.data,
        "y_test": np.array(test.targets, np.int64),
    }
