"""What a data source refuses, and how it says so."""

import numpy as np
import pytest

from agnsim.data import DataSource
from agnsim.errors import DataError


def make(**changes: object) -> DataSource:
    fields: dict[str, object] = {
        "name": "toy",
        "train_images": np.zeros((6, 1, 4, 4), np.float32),
        "train_labels": np.arange(6) % 3,
        "test_images": np.zeros((3, 1, 4, 4), np.float32),
        "test_labels": np.arange(3),
        "num_classes": 3,
        "mean": (0.0,),
        "std": (1.0,),
        "origin": "toy.npz",
    }
    return DataSource(**(fields | changes))  # type: ignore[arg-type]


def spoilt(value: float) -> np.ndarray:
    images = np.zeros((6, 1, 4, 4), np.float32)
    images[4, 0, 1, 2] = value
    return images


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images": spoilt(np.nan)}, r"toy.npz: training image 4 holds nan at \[C, H, W\] = \[0, 1, 2\]"),
        ({"train_images": spoilt(-np.inf)}, "training image 4 holds -inf"),
        ({"test_labels": np.array([0, 3, 1])}, "toy.npz: test label 1 is 3; allowed: 0 to 2"),
        ({"train_labels": np.array([0, 1, 2, -1, 0, 0])}, "training label 3 is -1"),
        ({"train_labels": np.arange(5) % 3}, r"int64 \[5\]; int64 \[6\]"),
        ({"train_labels": np.arange(6, dtype=np.int32) % 3}, "int32"),
        ({"train_images": np.zeros((6, 4, 4), np.float32)}, r"shape \[6, 4, 4\]"),
        ({"train_images": np.zeros((0, 1, 4, 4), np.float32)}, r"shape \[0, 1, 4, 4\]"),
        ({"train_images": np.zeros((6, 1, 4, 4))}, "float64; uint8 or float32"),
        ({"test_images": np.zeros((3, 1, 5, 4), np.float32)}, "must be of one kind"),
        ({"test_images": np.zeros((3, 1, 4, 4), np.uint8)}, "must be of one kind"),
        ({"mean": (0.0, 0.0)}, "1 finite numbers"),
        ({"std": (0.0,)}, "must be positive"),
        ({"augmentation": "flip"}, "allowed: none, crop_flip"),
        ({"num_classes": 1}, "at least 2"),
    ],
)
def test_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make(**changes)


def test_digest_is_of_the_data_alone() -> None:
    images = np.zeros((6, 1, 4, 4), np.float32)
    assert make().digest == make(name="other", mean=(0.5,), origin="elsewhere").digest
    assert make().digest == make(train_images=np.asfortranarray(images)).digest
    images[0, 0, 0, 0] = 1
    assert make().digest != make(train_images=images).digest
    assert make().digest != make(test_labels=np.array([0, 2, 1])).digest


def test_limits() -> None:
    limited = make().limited(train=4, test=2)
    assert (len(limited.train_labels), len(limited.test_labels)) == (4, 2)
    with pytest.raises(DataError, match="test_limit is 4; allowed: 1 to 3"):
        make().limited(test=4)
