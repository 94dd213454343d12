"""Which images a network classified correctly, as runs keep it: base64 of packed bits."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import RunFolderError


def pack_outcomes(correct: NDArray[np.bool_]) -> str:
    """Return bool `[images]` as base64 of its bits, eight images a byte, the first one highest."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()


def unpack_outcomes(part: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Return the per-image outcome of one set of images.

    Args:
        part: `images`, from `pack_outcomes`, and `total`, how many images there are.

    Returns:
        bool `[total]`, True = classified correctly.

    Raises:
        RunFolderError: An entry is missing, or they do not fit each other.
    """
    try:
        bits, total = np.frombuffer(base64.b64decode(part["images"], validate=True), np.uint8), int(part["total"])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise RunFolderError(f"per-image outcomes cannot be read: {error!r}. Run the study again.") from None
    if bits.size != -(-total // 8):
        raise RunFolderError(f"per-image outcomes: {bits.size} bytes for {total} images. Run the study again.")
    return np.unpackbits(bits, count=total).astype(bool)
