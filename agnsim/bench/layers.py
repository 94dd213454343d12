"""Suite `layers`: the convolutions of real networks, every engine and circuit, against PyTorch's own."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from agnsim.bench.context import DEFINITION, Bench, refused, row, scaled_spread
from agnsim.bench.rounds import Candidate, Times, ratio, spread
from agnsim.bench.scalar import scalar_conv2d
from agnsim.bench.shapes import ConvShape, conv_shapes
from agnsim.bench.subjects import Circuit
from agnsim.errors import EngineMismatch
from agnsim.kernels import conv2d
from agnsim.types import Json

_DEFINITION_MACS, _SCALAR_MACS = 1 << 21, 1 << 25
"""How much of a layer the slow candidates are given: rates, not times, are compared."""


def layers(bench: Bench) -> list[Json]:
    """Convolutions of real networks, each distinct shape once."""
    cases = [
        (name, network, shape, count)
        for name, network in bench.networks.items()
        for shape, count in conv_shapes(network.build(), network.image).items()
    ]
    rows = []
    with bench.progress.track(len(cases), "layers") as task:
        for name, network, shape, count in cases:
            batch = bench.images_at_once(network)
            facts = {"network": name, "kind": shape.kind, "count": count, "batch": batch, "macs": shape.macs}
            rows += [found | facts for found in _one_shape(bench, shape, batch)]
            task.advance()
    return rows


def _one_shape(bench: Bench, shape: ConvShape, batch: int) -> list[Json]:
    candidates = _float_candidates(bench, shape, batch)
    owners: dict[str, tuple[str, Circuit]] = {}
    rows = []
    for circuit in bench.circuits:
        emulated = _Emulated(bench, shape, batch, circuit)
        usable = []
        for engine in bench.engines:
            if (reason := bench.refusal(engine, circuit)) is None:
                usable.append(engine)
            else:
                rows.append(refused("layers", shape.label, engine, circuit, reason))
        emulated.check(usable)
        if circuit is bench.circuits[0] and not bench.on_gpu:
            candidates += emulated.scalar_candidates()
        for engine in usable:
            candidate = emulated.candidate(engine)
            owners[candidate.name] = engine, circuit
            candidates.append(candidate)
    times = bench.time(candidates)
    for name, taken in times.items():
        engine, circuit_of = owners.get(name, (name, None))
        rows.append(row("layers", shape.label, engine, circuit_of, **_figures(taken, times)))
    return rows


def _figures(taken: Times, times: dict[str, Times]) -> Json:
    against = {
        f"speed_vs_{name.replace(' ', '_')}": ratio(taken.rates, times[name].rates)
        for name in ("float", "float channels_last", "scalar", "scalar one thread")
        if name in times
    }
    return {"seconds": spread(taken.seconds), "gmac_per_s": scaled_spread(taken.rates, 1e-9), **against}


def _float_candidates(bench: Bench, shape: ConvShape, batch: int) -> list[Candidate]:
    x = torch.randn((batch, shape.in_channels, shape.height, shape.width), device=bench.device)
    w = torch.randn(shape.weight_shape, device=bench.device)
    last = torch.channels_last
    work = float(batch * shape.macs)
    return [
        Candidate("float", partial(_float, x, w, shape), work),
        Candidate(
            "float channels_last",
            partial(_float, x.to(memory_format=last), w.to(memory_format=last), shape),
            work,
        ),
    ]


def _float(x: Tensor, w: Tensor, shape: ConvShape) -> Tensor:
    return functional.conv2d(x, w, None, shape.stride, shape.padding, dilation=shape.dilation, groups=shape.groups)


class _Emulated:
    """One convolution with one circuit: its operands, and the part of them for those that are slow."""

    def __init__(self, bench: Bench, shape: ConvShape, batch: int, circuit: Circuit) -> None:
        generator = torch.Generator().manual_seed(3)
        self.shape, self.batch, self.circuit, self.device = shape, batch, circuit, bench.device
        size = (batch, shape.in_channels, shape.height, shape.width)
        self.x = circuit.codes(size, generator).to(bench.device)
        self.w = circuit.weights(shape.weight_shape, generator).to(bench.device)

    def run(self, engine: str, images: int, channels: int) -> Tensor:
        shape = self.shape
        return conv2d(
            self.x[:images],
            self.w[:channels],
            self.circuit.multiplier,
            stride=shape.stride,
            padding=shape.padding,
            dilation=shape.dilation,
            groups=shape.groups,
            engine=engine,
            validate=False,  # as the layers of a network call it, whose codes are clamped already
        )

    def part(self, macs: int) -> tuple[int, int]:
        """Return how many images, and of how many output channels, cost at most so many MACs; at least one."""
        images = max(1, min(self.batch, macs // self.shape.macs))
        whole = self.shape.groups > 1 or images > 1
        channels = self.shape.out_channels if whole else max(1, macs // self.shape.channel_macs)
        return images, min(channels, self.shape.out_channels)

    def check(self, engines: list[str]) -> None:
        """Compare all engines on the whole, and with the definition on the part it is given.

        Raises:
            EngineMismatch: Two differ.
        """
        images, channels = self.part(_DEFINITION_MACS)
        wanted = self.run(DEFINITION, images, channels)
        first: tuple[str, Tensor] | None = None
        for engine in (name for name in engines if name != DEFINITION):
            found = self.run(engine, self.batch, self.shape.out_channels)
            self._compare(DEFINITION, wanted, engine, found[:images, :channels])
            first = first or (engine, found)
            self._compare(*first, engine, found)

    def _compare(self, one: str, expected: Tensor, other: str, found: Tensor) -> None:
        if not torch.equal(expected, found):
            raise EngineMismatch(
                f"engine {other!r} and engine {one!r} differ on {self.shape.label} with {self.circuit.choice.label}; "
                "nothing is timed. Please report it with the output of `agnsim doctor`."
            )

    def candidate(self, engine: str) -> Candidate:
        slow = engine == DEFINITION
        images, channels = self.part(_DEFINITION_MACS) if slow else (self.batch, self.shape.out_channels)
        work = float(images * channels * self.shape.channel_macs)
        return Candidate(f"{engine} {self.circuit.name}", partial(self.run, engine, images, channels), work)

    def scalar_candidates(self) -> list[Candidate]:
        """Return the scalar loop, on all threads and on one, compared with the definition."""
        images, channels = self.part(_SCALAR_MACS)
        x, w = self.x[:images], self.w[:channels]
        work = float(images * channels * self.shape.channel_macs)

        def run(threads: int) -> Tensor:
            return scalar_conv2d(x, w, self.circuit.multiplier, self.shape, threads)

        few, some = self.part(_DEFINITION_MACS)
        self._compare(DEFINITION, self.run(DEFINITION, few, some), "scalar", run(1)[:few, :some])
        every = partial(run, torch.get_num_threads())
        return [Candidate("scalar", every, work), Candidate("scalar one thread", partial(run, 1), work)]
