"""What the CPU can do, as Numba will compile for it."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any, cast


def numba_unusable() -> str | None:
    """Return why Numba can't compile here, or `None` where it can."""
    if importlib.util.find_spec("numba") is None:
        return "numba is not installed; pip install numba"
    if _configuration().DISABLE_JIT:
        return "Numba's compiler is switched off; unset NUMBA_DISABLE_JIT"
    return None


@cache
def cpu_has(feature: str) -> bool:
    """Return whether Numba compiles for a CPU with this LLVM feature, such as `avx512vbmi`.

    The environment variables `NUMBA_CPU_NAME`, `NUMBA_CPU_FEATURES` and `NUMBA_ENABLE_AVX` count: code for another CPU
    than this one must not contain instructions that the compiler was told not to use.
    """
    from numba.core import codegen

    config = _configuration()
    if config.CPU_FEATURES is not None:
        features = config.CPU_FEATURES
    elif config.CPU_NAME is not None:
        return False
    else:
        features = cast(Any, codegen).get_host_cpu_features()
    return f"+{feature}" in features.split(",")


def _configuration() -> Any:
    """Return Numba's settings, which it makes from the environment at import."""
    from numba import config

    return config
