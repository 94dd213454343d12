"""Seeds: one number from which every random choice of a run follows."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch (all devices)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  a user's own model or data may draw from the global generator
    torch.manual_seed(seed)


def derive_seed(seed: int, *parts: str | int) -> int:
    """Return a seed for one part of a run, 0..2^31-1, that no other part shares (but by a rare chance)."""
    text = repr((seed, *parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little") % 2**31
