"""A value derived from tensors, recomputed only when one of them changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, cast

import torch

T = TypeVar("T")


class Versioned(Generic[T]):
    """Holds one derived value together with the versions of the tensors it was derived from.

    In-place changes are seen by the version counter, replacement by identity, and a moved `.data` by its address.
    Copies and pickles of the holder are empty.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        # Held, not merely identified: a freed tensor's id and address may be taken by its successor.
        self._tensors: tuple[torch.Tensor, ...] = ()
        self._value: T | None = None

    def get(self, tensors: tuple[torch.Tensor, ...], compute: Callable[[], T]) -> T:
        """Return the value derived from `tensors`, calling `compute` only if they have changed."""
        if any(tensor.is_inference() for tensor in tensors):  # these have no version counter
            return compute()
        key = tuple((tensor._version, tensor.data_ptr()) for tensor in tensors)
        same = len(tensors) == len(self._tensors) and all(a is b for a, b in zip(tensors, self._tensors, strict=True))
        if not same or key != self._key:
            self._value = compute()
            self._tensors, self._key = tensors, key
        return cast(T, self._value)

    def clear(self) -> None:
        """Forget the value."""
        self._key, self._tensors, self._value = None, (), None

    def __reduce__(self) -> tuple[type[Versioned[T]], tuple[()]]:
        return type(self), ()
