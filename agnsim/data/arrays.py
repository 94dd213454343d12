"""From a user's arrays to a data source: layouts, dtypes and labels as people have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agnsim.data.source import Augmentation, DataSource, channel_statistics
from agnsim.errors import DataError

Layout = Literal["auto", "NCHW", "NHWC"]
KEYS = ("x_train", "y_train", "x_test", "y_test")


def source_from_arrays(
    arrays: Mapping[str, Any],
    *,
    name: str,
    origin: str,
    layout: Layout = "auto",
    num_classes: int | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    augmentation: Augmentation = "none",
) -> DataSource:
    """Return a data source made of the arrays x_train, y_train, x_test, y_test.

    Args:
        arrays: Images `[N, H, W, C]`, `[N, C, H, W]` or `[N, H, W]`, uint8 or floating; labels integers, `[N]` or
            `[N, 1]`.
        name: Of the source.
        origin: Begins each message.
        layout: Where the channels are; "auto" recognises 1 or 3 channels on one side.
        num_classes: By default one more than the greatest label.
        mean: Per channel; by default that of the training images.
        std: Likewise.
        augmentation: Of the training images.

    Raises:
        DataError: An array is missing, or not such images or labels.
    """
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        raise DataError(f"{origin}: lacks {', '.join(missing)} (it has {', '.join(sorted(arrays)) or 'nothing'})")
    images = {
        key: _images(_array(arrays[key], f"{origin}: {key}"), layout, f"{origin}: {key}")
        for key in ("x_train", "x_test")
    }
    labels = {
        key: _labels(_array(arrays[key], f"{origin}: {key}"), f"{origin}: {key}") for key in ("y_train", "y_test")
    }
    if num_classes is None:
        num_classes = 1 + max((int(v.max()) for v in labels.values() if v.size), default=1)
    if mean is None or std is None:
        found_mean, found_std = channel_statistics(images["x_train"]) if len(images["x_train"]) else ((0.0,), (1.0,))
        mean, std = (found_mean if mean is None else mean), (found_std if std is None else std)
    return DataSource(
        name=name,
        train_images=images["x_train"],
        train_labels=labels["y_train"],
        test_images=images["x_test"],
        test_labels=labels["y_test"],
        num_classes=num_classes,
        mean=tuple(mean),
        std=tuple(std),
        augmentation=augmentation,
        origin=origin,
    )


def _array(values: Any, place: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(f"{place} is no array: {error}") from error


def _images(array: NDArray[Any], layout: Layout, place: str) -> NDArray[Any]:
    if layout not in ("auto", "NCHW", "NHWC"):
        raise DataError(f"{place}: layout {layout!r} is unknown; allowed: auto, NCHW, NHWC")
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4:
        if (_layout(array.shape, place) if layout == "auto" else layout) == "NHWC":
            array = array.transpose(0, 3, 1, 2)
    else:
        raise DataError(
            f"{place} has the shape {list(array.shape)}; images are [N, H, W, C], [N, C, H, W] or [N, H, W]"
        )
    if np.issubdtype(array.dtype, np.floating):
        with np.errstate(over="ignore"):  # becomes infinite, which the source reports with its place
            return np.ascontiguousarray(array, dtype=np.float32)
    if np.issubdtype(array.dtype, np.integer):
        if array.dtype != np.uint8 and array.size and (array.min() < 0 or array.max() > 255):
            raise DataError(f"{place} holds {array.dtype} from {array.min()} to {array.max()}; integers must be 0..255")
        return np.ascontiguousarray(array, dtype=np.uint8)
    raise DataError(f"{place} is {array.dtype}; images are uint8 or floating point")


def _layout(shape: tuple[int, ...], place: str) -> Layout:
    first, last = shape[1] in (1, 3), shape[3] in (1, 3)
    if first == last:
        raise DataError(
            f"{place} has the shape {list(shape)}: which side has the channels cannot be told; "
            "give the option layout: NCHW or NHWC"
        )
    return "NCHW" if first else "NHWC"


def _labels(array: NDArray[Any], place: str) -> NDArray[np.int64]:
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"{place} is {array.dtype}; labels are integers, one class number per image")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"{place} has the shape {list(array.shape)}; labels are [N] (class numbers, not one-hot rows)")
    return np.ascontiguousarray(array, dtype=np.int64)
