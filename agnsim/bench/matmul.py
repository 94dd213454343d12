"""Suite `matmul`: a large table matrix product, and on a GPU the convolution of a table of rank 1."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from agnsim.bench.context import DEFINITION, Bench, refused, row, scaled_spread
from agnsim.bench.rounds import Candidate, ratio, spread
from agnsim.bench.subjects import Circuit
from agnsim.errors import EngineMismatch
from agnsim.kernels import conv2d, matmul
from agnsim.types import Json

_CHECKED_ROWS = 16


def matrix_products(bench: Bench) -> list[Json]:
    """A large table matrix product; on a GPU also a convolution of rank 1 against bfloat16."""
    with bench.progress.track(None, "matmul"):
        return _products(bench) + (_rank_one_convolution(bench) if bench.on_gpu else [])


def _products(bench: Bench) -> list[Json]:
    size = (4096 if bench.on_gpu else 1024) // (2 if bench.quick else 1)
    work, macs = f"matmul {size}^3", float(size) ** 3
    generator = torch.Generator().manual_seed(4)
    left = torch.randn((size, size), device=bench.device)
    candidates = [Candidate("float", partial(torch.matmul, left, left), macs)]
    if bench.on_gpu:
        half = left.bfloat16()
        candidates.append(Candidate("bfloat16", partial(torch.matmul, half, half), macs))
    owners: dict[str, tuple[str, Circuit]] = {}
    rows = []
    for circuit in bench.circuits:
        a = circuit.codes((size, size), generator).to(bench.device)
        b = circuit.weights((size, size), generator).to(bench.device)
        wanted = matmul(a[:_CHECKED_ROWS], b, circuit.multiplier, engine=DEFINITION)
        for engine in bench.whole_network_engines:
            if (reason := bench.refusal(engine, circuit)) is not None:
                rows.append(refused("matmul", work, engine, circuit, reason))
                continue
            call = partial(matmul, a, b, circuit.multiplier, engine=engine, validate=False)
            _check(wanted, call()[:_CHECKED_ROWS], engine, work, circuit)
            key = f"{engine} {circuit.name}"
            owners[key] = engine, circuit
            candidates.append(Candidate(key, call, macs))
    times = bench.time(candidates)
    for key, taken in times.items():
        engine, circuit_of = owners.get(key, (key, None))
        figures = {
            "seconds": spread(taken.seconds),
            "tmac_per_s": scaled_spread(taken.rates, 1e-12),
            "speed_vs_float": ratio(taken.rates, times["float"].rates),
        }
        rows.append(row("matmul", work, engine, circuit_of, **figures))
    return rows


def _rank_one_convolution(bench: Bench) -> list[Json]:
    """Return a 3 x 3 convolution of ResNet-18's first stage, batch 64, by every circuit of rank 1."""
    work, batch, channels, side = "conv 3x3 64->64 56x56, rank 1", 64, 64, 56
    macs = float(batch * channels * side * side * channels * 9)
    generator = torch.Generator().manual_seed(5)
    x_shape, w_shape = (batch, channels, side, side), (channels, channels, 3, 3)
    x, w = (
        torch.randn(shape, generator=generator).to(bench.device, torch.bfloat16, memory_format=torch.channels_last)
        for shape in (x_shape, w_shape)
    )
    candidates = [Candidate("bfloat16", partial(functional.conv2d, x, w, None, 1, 1), macs)]
    owners: dict[str, tuple[str, Circuit]] = {}
    for circuit in (circuit for circuit in bench.circuits if circuit.rank == 1):
        codes = circuit.codes(x_shape, generator).to(bench.device)
        weights = circuit.weights(w_shape, generator).to(bench.device)
        wanted = conv2d(codes[:1], weights, circuit.multiplier, padding=1, engine=DEFINITION)
        for engine in bench.whole_network_engines:
            if bench.refusal(engine, circuit) is None:
                call = partial(conv2d, codes, weights, circuit.multiplier, padding=1, engine=engine, validate=False)
                _check(wanted, call()[:1], engine, work, circuit)
                key = f"{engine} {circuit.name}"
                owners[key] = engine, circuit
                candidates.append(Candidate(key, call, macs))
    times = bench.time(candidates)
    rows = []
    for key, taken in times.items():
        engine, circuit_of = owners.get(key, (key, None))
        figures = {
            "seconds": spread(taken.seconds),
            "tmac_per_s": scaled_spread(taken.rates, 1e-12),
            "speed_vs_bfloat16": ratio(taken.rates, times["bfloat16"].rates),
        }
        rows.append(row("matmul", work, engine, circuit_of, **figures))
    return rows


def _check(wanted: Tensor, found: Tensor, engine: str, work: str, circuit: Circuit) -> None:
    if not torch.equal(wanted, found):
        raise EngineMismatch(f"{work} with {circuit.choice.label}: engine {engine!r} and {DEFINITION!r} differ")
