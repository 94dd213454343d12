"""Batches depend on images, seed and epoch, and on nothing else."""

import numpy as np
import pytest
import torch
from torch import Tensor

from agnsim.data import Batches, DataSource, ImageSet, crop_and_flip, split
from agnsim.errors import InputError


@pytest.fixture
def images() -> ImageSet:
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (23, 3, 8, 6)).astype(np.uint8)
    y = np.arange(23) % 5
    source = DataSource("toy", x, y, x, y, 5, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    return split(source).all_test


def collect(batches: Batches, epoch: int = 0) -> tuple[Tensor, Tensor]:
    batches.set_epoch(epoch)
    xs, ys = zip(*batches, strict=True)
    return torch.cat(xs), torch.cat(ys)


def test_in_order_and_normalised(images: ImageSet) -> None:
    batches = Batches(images, 10)
    assert [len(y) for _, y in batches] == [10, 10, 3]
    assert len(batches) == 3
    x, y = collect(batches)
    real = (images.images.double() / 255 - images.mean.double()[:, None, None]) / images.std.double()[:, None, None]
    torch.testing.assert_close(x.double(), real, atol=1e-6, rtol=0)
    assert x.dtype == torch.float32
    assert torch.equal(y, images.labels)
    assert torch.equal(images[4][0], x[4])
    assert torch.equal(images.tensors()[0], x)


@pytest.mark.parametrize(("size", "lengths"), [(10, [10, 10]), (23, [23]), (50, [23])])
def test_drop_last_keeps_an_only_batch(images: ImageSet, size: int, lengths: list[int]) -> None:
    batches = Batches(images, size, drop_last=True)
    assert [len(y) for _, y in batches] == lengths
    assert len(batches) == len(lengths)


@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_an_epoch_repeats_and_another_differs(images: ImageSet, augment: str) -> None:
    first, second = (Batches(images, 7, shuffle=True, augment=augment, seed=5) for _ in range(2))  # type: ignore[arg-type]
    a, b, again, other = collect(first), collect(second), collect(first), collect(first, 1)
    assert torch.equal(a[0], b[0])
    assert torch.equal(a[0], again[0])
    assert not torch.equal(a[0], other[0])
    assert sorted(a[1].tolist()) == sorted(images.labels.tolist())
    other_seed = Batches(images, 7, shuffle=True, augment=augment, seed=6)  # type: ignore[arg-type]
    assert not torch.equal(a[0], collect(other_seed)[0])


def test_crop_and_flip_is_a_window_of_the_padded_image_or_its_mirror(images: ImageSet) -> None:
    raw = images.images.repeat(20, 1, 1, 1)
    out = crop_and_flip(raw, np.random.default_rng(0))
    padded = torch.nn.functional.pad(raw, (4, 4, 4, 4))
    seen = set()
    for index in range(len(raw)):
        found = [
            (top, left, flip)
            for top in range(9)
            for left in range(9)
            for flip in (False, True)
            if torch.equal(
                out[index],
                padded[index, :, top : top + 8, left : left + 6].flip([-1] if flip else []),
            )
        ]
        assert found, f"image {index}"
        seen.add(found[0])
    assert len(seen) > 120, "of 162 shifts and mirrors"


def test_mistakes(images: ImageSet) -> None:
    with pytest.raises(InputError, match="batch_size is 0"):
        Batches(images, 0)
    with pytest.raises(InputError, match="no images"):
        Batches(images.subset(torch.empty(0, dtype=torch.int64)), 4)
    with pytest.raises(InputError, match="allowed: none, crop_flip"):
        Batches(images, 4, augment="crop")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="seed is -1"):
        Batches(images, 4, seed=-1)
