"""Batches of images that depend on nothing but the images, the seed and the epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from agnsim.data.images import ImageSet
from agnsim.data.source import AUGMENTATIONS, Augmentation
from agnsim.errors import InputError

_MARGIN = 4


class Batches:
    """Iterates over `(x, y)`: x normalised float32 `[B, C, H, W]`, y int64 `[B]`.

    Iterating twice in the same epoch yields the same batches; `set_epoch` changes order and augmentation.

    Args:
        images: What to iterate over.
        batch_size: Images per batch; the last batch may have fewer.
        shuffle: Another order each epoch.
        augment: `"crop_flip"`: shift by up to 4 pixels (zeros come in) and mirror every other image, by chance.
        seed: Of order and augmentation.
        drop_last: Leave out a last batch that is not full, unless it is the only one.
        device: Where the images are held and the batches are made; by default where they are.

    Raises:
        InputError: No images, no positive batch size, a negative seed, or an unknown augmentation.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        *,
        shuffle: bool = False,
        augment: Augmentation = "none",
        seed: int = 0,
        drop_last: bool = False,
        device: torch.device | str | None = None,
    ) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}; it must be at least 1")
        if len(images) == 0:
            raise InputError("there are no images to make batches of")
        if augment not in AUGMENTATIONS:
            raise InputError(f"augmentation {augment!r} is unknown; allowed: {', '.join(AUGMENTATIONS)}")
        if seed < 0:
            raise InputError(f"seed is {seed}; it must not be negative")
        self.images = images if device is None else images.to(device)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        self.seed = seed
        self.drop_last = drop_last
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the augmentation of the next iterations."""
        self.epoch = epoch

    def __len__(self) -> int:
        full, rest = divmod(len(self.images), self.batch_size)
        return full if rest == 0 or (self.drop_last and full > 0) else full + 1

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        # NumPy's generator on the CPU: the same batches whatever the device and the version of PyTorch.
        generator = np.random.default_rng([self.seed, self.epoch])
        count, device = len(self.images), self.images.images.device
        order = generator.permutation(count) if self.shuffle else np.arange(count)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            at = torch.from_numpy(order[start : start + self.batch_size]).to(device)
            raw = self.images.images[at]
            if self.augment == "crop_flip":
                raw = crop_and_flip(raw, generator)
            yield self.images.normalise(raw), self.images.labels[at]


def crop_and_flip(images: Tensor, generator: np.random.Generator) -> Tensor:
    """Return each image shifted by up to 4 pixels in both directions, zeros coming in, and mirrored by chance.

    Args:
        images: `[B, C, H, W]`, any dtype.
        generator: Source of the shifts and the flips.
    """
    batch, channels, height, width = images.shape
    top, left = generator.integers(0, 2 * _MARGIN + 1, size=(2, batch, 1))
    flip = generator.integers(0, 2, size=(batch, 1)).astype(bool)
    rows = top + np.arange(height)
    columns = left + np.where(flip, np.arange(width)[::-1], np.arange(width))
    padded = F.pad(images, (_MARGIN,) * 4)
    device = images.device
    return padded[
        torch.arange(batch, device=device)[:, None, None, None],
        torch.arange(channels, device=device)[None, :, None, None],
        torch.from_numpy(rows).to(device)[:, None, :, None],
        torch.from_numpy(columns).to(device)[:, None, None, :],
    ]
