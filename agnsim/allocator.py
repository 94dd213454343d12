"""The C library's allocator, told what a network's tensors need."""

from __future__ import annotations

import ctypes
import os

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_BELOW = 1 << 30


def keep_freed_memory() -> bool:
    """Let glibc reuse freed tensors of up to 1 GiB instead of returning them to the system; return whether it was told.

    By default every activation of some megabytes is mapped anew, and touching its pages for the first time costs more
    than the convolution that fills it (docs/log.md). Environment variables that set glibc's thresholds are respected.
    """
    chosen_by_user = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if chosen_by_user or not _is_glibc():
        return False
    set_option = ctypes.CDLL(None).mallopt
    return bool(set_option(_M_MMAP_THRESHOLD, _KEEP_BELOW) and set_option(_M_TRIM_THRESHOLD, _KEEP_BELOW))


def _is_glibc() -> bool:
    name = "CS_GNU_LIBC_VERSION"
    return name in getattr(os, "confstr_names", {}) and str(os.confstr(name)).startswith("glibc")
