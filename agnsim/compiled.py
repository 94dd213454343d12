"""Numba's compiler as every compiled loop here uses it. Importing this imports Numba: engines do so when they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile on first use, without the GIL, kept on disk where Numba finds a writable folder.

    Not Numba's own threads: its layers abort under concurrent calls and after a fork. `agnsim.kernels.threads` shares
    the work out.
    """
    try:
        return cast(F, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # Numba: "no locator available": neither this folder nor the user's cache is writable
        return cast(F, numba.njit(nogil=True)(function))
