import numpy as np
import pytest
import torch
from torch import nn

from agnsim.multipliers import Multiplier


@pytest.fixture
def rng():
    torch.manual_seed(0)
    return torch.Generator().manual_seed(0)


@pytest.fixture
def network(rng):
    """A small network with a grouped and a depthwise layer, float, in evaluation mode; input [N, 3, 8, 8]."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8),
        nn.Conv2d(8, 6, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(96, 5),
    ).eval()


@pytest.fixture
def images(rng):
    return torch.randn(6, 3, 8, 8, generator=rng)


def noisy_table(exact: Multiplier, name: str, spread: int = 40, seed: int = 0) -> Multiplier:
    """A multiplier with random errors, of high rank, that also errs on zero operands."""
    errors = np.random.default_rng(seed).integers(-spread, spread + 1, exact.table.shape)
    return Multiplier.from_table(
        name,
        (exact.table + errors).astype(np.int32),
        bits_a=exact.bits_a,
        bits_b=exact.bits_b,
        signed_a=exact.signed_a,
        signed_b=exact.signed_b,
    )


@pytest.fixture(scope="session")
def rough_unsigned():
    return noisy_table(Multiplier.exact(8, 8, signed_a=False, signed_b=False), "rough_u8")


@pytest.fixture(scope="session")
def rough_signed():
    return noisy_table(Multiplier.exact(8, 8, signed_a=True, signed_b=True), "rough_s8")
