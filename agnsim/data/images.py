"""Images in memory, normalised when they are read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Some images of a data source.

    Attributes:
        images: uint8 (0..255 stands for 0..1) or float32 `[N, C, H, W]`, not normalised.
        labels: int64 `[N]`.
        mean: float32 `[C]`.
        std: float32 `[C]`.
        indices: int64 `[N]`: where each image is in the source's training or test part.
    """

    images: Tensor
    labels: Tensor
    mean: Tensor
    std: Tensor
    indices: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return one image, normalised float32 `[C, H, W]`, and its label, int64 `[]`."""
        return self.normalise(self.images[index][None])[0], self.labels[index]

    def normalise(self, images: Tensor) -> Tensor:
        """Return `(images - mean) / std` as float32 for raw images `[B, C, H, W]` of this set."""
        real = images.to(torch.float32) / 255.0 if images.dtype == torch.uint8 else images
        return (real - self.mean[:, None, None]) / self.std[:, None, None]

    def tensors(self) -> tuple[Tensor, Tensor]:
        """Return all images, normalised float32 `[N, C, H, W]`, and all labels."""
        return self.normalise(self.images), self.labels

    def subset(self, positions: Tensor) -> ImageSet:
        """Return the images at these positions (int64 `[M]`) of this set."""
        at = positions.to(self.images.device)
        return replace(self, images=self.images[at], labels=self.labels[at], indices=self.indices[at])

    def to(self, device: torch.device | str) -> ImageSet:
        """Return the same images on a device; without a copy where they are there already."""
        return ImageSet(
            self.images.to(device),
            self.labels.to(device),
            self.mean.to(device),
            self.std.to(device),
            self.indices.to(device),
        )
