"""What a run was made on, and what its timings depend on beside the code."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from agnsim.errors import InputError
from agnsim.types import Json

# the more of them, the faster the engines; the last one a CPU has says most
_FEATURES = ("asimd", "sve", "avx2", "avx512f", "avx512bw", "avx512_vnni", "avx512vbmi")
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def machine() -> Json:
    """Return versions, CPU with the vector instructions that matter, cores, threads, GPU, commit."""
    from agnsim.experiment.environment import environment  # a measuring child process has no use for it

    return environment() | {"cpu_features": cpu_features(), "cores": os.cpu_count()}


def cpu_features() -> list[str]:
    """Return those of the vector extensions that engines care about which the CPU has."""
    information = Path("/proc/cpuinfo")
    if not information.is_file():
        return []
    words: set[str] = set()
    for line in information.read_text().splitlines():
        if line.startswith(("flags", "Features")):
            words |= set(line.partition(":")[2].split())
    return [name for name in _FEATURES if name in words]


def keep_memory() -> None:
    """Let freed memory stay with this process, so that results are written to pages that it has already.

    By default glibc returns large blocks, and a call that allocates its result pays for new pages: often more than a
    fast convolution itself.

    Raises:
        InputError: This is not glibc.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt") or not (
        library.mallopt(_M_MMAP_MAX, 0) and library.mallopt(_M_TRIM_THRESHOLD, -1)
    ):
        raise InputError("keep-memory needs glibc's mallopt, which this platform lacks; leave the option out")
