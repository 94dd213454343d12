"""Float arithmetic that adds integers without rounding, whatever the caller has switched on.

Sums in any order are exact as long as every partial sum is; transform convolutions (Winograd, FFT) are no such sums.
PyTorch asks oneDNN for `convolution_direct` by name, and oneDNN chooses Winograd only where `convolution_winograd` or
`convolution_auto` is asked for; `tests/kernels/test_factored.py` reads in oneDNN's log what ran. NNPACK's Winograd is
switched off here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

FLOAT32_EXACT = 2**24
FLOAT64_EXACT = 2**53

# PyTorch's own annotations lack these switches.
_mkldnn: Any = torch.backends.mkldnn
_nnpack: Any = torch.backends.nnpack
_cuda: Any = torch.backends.cuda

_lock = threading.Lock()
_inside = 0
_saved: tuple[str, str, str, bool] = ("none", "none", "none", True)


def onednn_enabled() -> bool:
    """Return whether PyTorch has oneDNN and the caller has not switched it off."""
    return bool(_mkldnn.is_available() and _mkldnn.enabled)


@contextmanager
def exact_float(device: torch.device) -> Iterator[None]:
    """Switch off autocast (this thread), reduced-precision products and NNPACK's transform convolutions (process).

    The process-wide switches are counted: the first of several threads to enter sets them, the last to leave restores
    them, so that no thread restores them under another.
    """
    global _inside, _saved
    with _lock:
        if _inside == 0:
            _saved = (
                _mkldnn.matmul.fp32_precision,
                _mkldnn.conv.fp32_precision,
                _cuda.matmul.fp32_precision,
                _nnpack.set_flags(False)[0],
            )
            _set_precisions("ieee", "ieee", "ieee")
        _inside += 1
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _set_precisions(*_saved[:3])
                _nnpack.set_flags(_saved[3])


def _set_precisions(cpu_matmul: str, cpu_conv: str, cuda_matmul: str) -> None:
    for place, wanted in (
        (_mkldnn.matmul, cpu_matmul),
        (_mkldnn.conv, cpu_conv),
        (_cuda.matmul, cuda_matmul),
    ):
        # "none" is full precision already: left alone, so that the older switches stay readable meanwhile.
        if place.fp32_precision not in ("none", wanted):
            place.fp32_precision = wanted
