"""What is measured: networks with random weights and data, and circuits as a layer uses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from agnsim.errors import InputError
from agnsim.models import build_model
from agnsim.multipliers import Choice, Encoding, Multiplier, load_library
from agnsim.registry import Registry
from agnsim.types import Json

DEFAULT_CIRCUITS = ("mul8s_array", "mul8u_kulkarni_d7", "mul8s_mitchell_f7", "mul8u_mitchell_f7")
"""Of the built-in library: exact and of rank 1; of rank 2; and one signed and one unsigned without small factors."""
QUICK_CIRCUITS = ("mul8s_array", "mul8u_kulkarni_d7", "mul8u_mitchell_f7")


@dataclass(frozen=True)
class Network:
    """A network as it is measured.

    Attributes:
        model: Its name for `agnsim.models.build_model`.
        image: Channels, rows, columns.
        classes: Outputs.
        batch: Images at once by default on a CPU.
        gpu_batch: The same on a GPU.
    """

    model: str
    image: tuple[int, int, int]
    classes: int
    batch: int
    gpu_batch: int

    def build(self) -> nn.Module:
        """Return it with the same random weights every time, in evaluation mode."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build_model(self.model, num_classes=self.classes, in_channels=self.image[0]).eval()

    def images(self, count: int) -> Tensor:
        """Return random images, the same every time."""
        return torch.randn((count, *self.image), generator=torch.Generator().manual_seed(1))

    def labels(self, count: int) -> Tensor:
        """Return random labels, the same every time."""
        return torch.randint(0, self.classes, (count,), generator=torch.Generator().manual_seed(2))


networks: Registry[Network] = Registry("network")
networks.add("resnet20", Network("resnet20", (3, 32, 32), 10, 128, 128), "CIFAR ResNet-20")
networks.add("resnet18", Network("torchvision:resnet18", (3, 224, 224), 1000, 8, 64), "ResNet-18 at 224 x 224")
networks.add(
    "mobilenet_v2", Network("torchvision:mobilenet_v2", (3, 224, 224), 1000, 8, 64), "MobileNetV2 at 224 x 224"
)


@dataclass(frozen=True)
class Circuit:
    """A circuit as a layer uses it: an unsigned one takes its weights in sign-magnitude.

    Attributes:
        choice: Circuit and encodings.
    """

    choice: Choice

    @classmethod
    def of(cls, circuit: Multiplier) -> Circuit:
        """Return a physical circuit in its natural use."""
        return cls(Choice(circuit, encoding_w=None if circuit.signed_b else Encoding.SIGN_MAGNITUDE))

    @property
    def name(self) -> str:
        """Name within its library."""
        return self.choice.multiplier.name

    @property
    def multiplier(self) -> Multiplier:
        """The table that the layer sees."""
        return self.choice.effective

    @property
    def rank(self) -> int | None:
        """Terms of the exact factorisation; `None` where there is none of small rank."""
        factors = self.multiplier.factors
        return None if factors is None else factors.rank

    def codes(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return random activation codes: as after a ReLU, half of them 0, the others small more often than large."""
        high = self.multiplier.range_a[1]
        values = (torch.randn(tuple(shape), generator=generator) * (high / 4)).clamp_(0, high)
        return values.round().to(torch.int8 if self.multiplier.signed_a else torch.uint8)

    def weights(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return random weight codes, small ones more often than large, as trained weights are."""
        low, high = self.multiplier.range_b
        values = (torch.randn(tuple(shape), generator=generator) * (high / 4)).clamp_(low, high)
        return values.round().to(torch.int8)

    def describe(self) -> Json:
        """Return what identifies it."""
        return {
            "name": self.name,
            "use": self.choice.label,
            "rank": self.rank,
            "digest": self.choice.multiplier.digest,
        }


def find_circuits(names: Sequence[str], library: str | Path) -> list[Circuit]:
    """Return circuits of a library.

    Raises:
        UnknownName: The library lacks one.
        InputError: One does not take 8-bit operands, or one is named twice.
    """
    known = load_library(library)
    found = []
    for name in dict.fromkeys(names):
        circuit = known[name]
        if circuit.bits_a > 8 or circuit.bits_b > 8:
            raise InputError(
                f"multiplier {name!r} takes {circuit.bits_a} x {circuit.bits_b} bits; networks are quantised to at "
                "most 8 x 8"
            )
        found.append(Circuit.of(circuit))
    return found
