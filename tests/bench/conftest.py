from collections.abc import Callable
from typing import Any

import pytest
import torch

from agnsim.bench.context import Bench
from agnsim.bench.subjects import Network, find_circuits, networks
from agnsim.progress import SilentProgress
from agnsim.registry import Entry

TINY = Network("resnet8", (3, 8, 8), 10, 2, 2)


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    """Make the settings of a tiny run, with some changed."""

    def make(**changes: Any) -> Bench:
        settings: dict[str, Any] = {
            "circuits": find_circuits(["mul8u_kulkarni_d7", "mul8u_mitchell_f7"], "builtin"),
            "library": "builtin",
            "engines": ["reference", "factored"],
            "engines_named": False,
            "networks": {"resnet20": TINY},
            "device": torch.device("cpu"),
            "batch": None,
            "rounds": 1,
            "quick": False,
            "progress": SilentProgress(),
        }
        return Bench(**settings | changes)

    return make


@pytest.fixture
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every network that a run may measure is the tiny one."""
    for name in networks:
        monkeypatch.setitem(networks._entries, name, Entry(name, TINY, ""))


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> str:
    """An engine whose last output is wrong by one."""
    from agnsim.kernels import engines
    from agnsim.kernels.reference import ReferenceEngine

    class Liar(ReferenceEngine):
        name = "liar"

        def conv2d(self, *arguments: Any) -> torch.Tensor:
            found = super().conv2d(*arguments)
            found.view(-1)[-1] += 1
            return found

        def matmul(self, *arguments: Any) -> torch.Tensor:
            found = super().matmul(*arguments)
            found[0, 0] += 1
            return found

    monkeypatch.setitem(engines._entries, "liar", Entry("liar", Liar(), ""))
    return "liar"
