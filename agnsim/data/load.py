"""Data sets by name: agnsim's own, and the user's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agnsim.data.arrays import source_from_arrays
from agnsim.data.files import image_folder, npz
from agnsim.data.source import Augmentation, DataSource
from agnsim.data.standard import cifar10, cifar100, digits
from agnsim.errors import DataError, UnknownName, did_you_mean
from agnsim.foreign import call, import_callable
from agnsim.registry import Registry

datasets: Registry[Callable[..., DataSource]] = Registry("data set")
datasets.add("digits", digits)
datasets.add("cifar10", cifar10)
datasets.add("cifar100", cifar100)
datasets.add("npz", npz)
datasets.add("image_folder", image_folder)


def load_dataset(
    name: str,
    *,
    root: Path | str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    augmentation: Augmentation | None = None,
    train_limit: int | None = None,
    test_limit: int | None = None,
    **options: Any,
) -> DataSource:
    """Load a data set into memory and check it.

    Args:
        name: A name of the registry `datasets`, or `module:callable`, which returns a `DataSource` or a mapping with
            the arrays x_train, y_train, x_test, y_test (and `num_classes`, `layout`, `mean`, `std`, `augmentation`).
        root: Data root; AGNSIM_DATA by default.
        mean: Per channel; by default the data set's own.
        std: Likewise.
        augmentation: `"none"` or `"crop_flip"`; by default the data set's own.
        train_limit: Keep only the first so many training images.
        test_limit: Keep only the first so many test images.
        **options: Further keywords of that data set (`path` of an npz file, say).

    Raises:
        UnknownName: No such data set, module or attribute.
        InputError: An option is unknown or missing.
        DataError: The data are missing or wrong; the message names file, index and value.
    """
    place, offered = f"data set {name!r}", {"root": None if root is None else Path(root)}
    if ":" in name:
        source = _own(call(import_callable(name), place, options, offered), name)
    elif name in datasets:
        source = call(datasets[name], place, options, offered, elsewhere=_COMMON)
    else:
        raise UnknownName(f"unknown data set {name!r}.{did_you_mean(name, datasets)} Also: your own 'module:callable'.")
    changes: dict[str, Any] = {
        key: value
        for key, value in (
            ("mean", _floats("mean", mean, place)),
            ("std", _floats("std", std, place)),
            ("augmentation", augmentation),
        )
        if value is not None
    }
    if changes:
        source = replace(source, **changes)
    return source if train_limit is None and test_limit is None else source.limited(train_limit, test_limit)


_COMMON = ("mean", "std", "augmentation", "train_limit", "test_limit")


def _floats(title: str, values: Sequence[float] | None, place: str) -> tuple[float, ...] | None:
    try:
        return None if values is None else tuple(float(v) for v in values)
    except (TypeError, ValueError):
        raise DataError(f"{place}: {title} is {values!r}; a list of numbers is needed, one per channel") from None


def _own(result: Any, name: str) -> DataSource:
    if isinstance(result, DataSource):
        return result
    if isinstance(result, Mapping):
        given = {k: result[k] for k in ("num_classes", "layout", "mean", "std", "augmentation") if k in result}
        return source_from_arrays(result, name=name, origin=name, **given)
    raise DataError(
        f"data set {name!r} returned a {type(result).__name__}; it must return a DataSource, or a mapping with "
        "x_train, y_train, x_test, y_test"
    )
