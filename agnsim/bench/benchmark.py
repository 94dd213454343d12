"""Run suites and write down machine, settings, rows and goals as one document."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import torch

from agnsim.bench.context import Bench, suites
from agnsim.bench.document import FORMAT
from agnsim.bench.goals import judge
from agnsim.bench.layers import layers
from agnsim.bench.machine import keep_memory, machine
from agnsim.bench.matmul import matrix_products
from agnsim.bench.memory import memory
from agnsim.bench.networks import networks
from agnsim.bench.startup import startup
from agnsim.bench.subjects import DEFAULT_CIRCUITS, QUICK_CIRCUITS, find_circuits
from agnsim.bench.subjects import networks as known_networks
from agnsim.bench.training import training
from agnsim.errors import InputError, UnknownName, did_you_mean
from agnsim.kernels import engine_report, engines
from agnsim.progress import Progress, SilentProgress
from agnsim.types import Json

ROUNDS, QUICK_ROUNDS = 9, 3
_ONE_NETWORK = ("networks", "training", "memory")
"""Suites that take whole networks: ResNet-20 alone by default."""

suites.add("layers", layers)
suites.add("networks", networks)
suites.add("training", training)
suites.add("memory", memory)
suites.add("startup", startup)
suites.add("matmul", matrix_products)


def run(
    names: Sequence[str] = ("all",),
    *,
    quick: bool = False,
    multipliers: Sequence[str] = (),
    library: str | Path = "builtin",
    engine_names: Sequence[str] = (),
    network_names: Sequence[str] = (),
    device: str = "cpu",
    batch: int | None = None,
    threads: int | None = None,
    repeats: int | None = None,
    keep: bool = False,
    progress: Progress | None = None,
) -> Json:
    """Run benchmark suites and return the document: machine, settings, circuits, engines, rows, goals.

    Args:
        names: Names in `agnsim.bench.suites`, or `"all"`.
        quick: Fewer circuits, networks, images and rounds: under a minute.
        multipliers: Circuits of the library; by default four of the built-in one, in quick runs three.
        library: `"builtin"`, or a library's folder.
        engine_names: Engines; by default all.
        network_names: Networks for all suites; by default all three for the layers, ResNet-20 for the rest.
        device: `"cpu"` or `"cuda"`.
        batch: Images at once; by default each network's own.
        threads: Of PyTorch and the engines; by default PyTorch's own choice.
        repeats: Rounds of measurements.
        keep: Keep freed memory in the process, so that no measurement pays for new pages (glibc).
        progress: Silent by default.

    Raises:
        UnknownName: A suite, circuit, engine or network is not known.
        InputError: A number is out of range, or the device is not there.
        EngineMismatch: An engine's results are wrong; nothing of it is timed.
    """
    for key, value in (("batch", batch), ("threads", threads), ("repeats", repeats)):
        if value is not None and value < 1:
            raise InputError(f"{key} is {value}; it must be at least 1")
    most = 4 * (os.cpu_count() or 1)
    if threads is not None and threads > most:
        raise InputError(f"threads is {threads}; on this machine's {os.cpu_count()} cores at most {most} make sense")
    chosen = _chosen_suites(names)
    place = _device(device)
    for name in engine_names:
        engines[name]  # an unknown one is refused before anything is measured
    default = (QUICK_CIRCUITS if quick else DEFAULT_CIRCUITS) if str(library) == "builtin" else ()
    circuits = find_circuits(multipliers or default, library)
    if not circuits:
        raise InputError(f"library {str(library)!r}: name the circuits to be measured (--multiplier)")
    picked = {name: known_networks[name] for name in network_names}
    resnet20 = {"resnet20": known_networks["resnet20"]}
    on_gpu = place.type == "cuda"
    whole = picked or (resnet20 if quick or not on_gpu else resnet20 | {"resnet18": known_networks["resnet18"]})
    rounds = repeats or (QUICK_ROUNDS if quick else ROUNDS)
    asked: Json = {
        "suite": [] if "all" in names else list(names),
        "quick": quick,
        "network": list(network_names),
        "multiplier": list(multipliers),
        "library": None if str(library) == "builtin" else str(library),
        "engines": ",".join(engine_names) or None,
        "device": None if device == "cpu" else device,
        "batch": batch,
        "threads": threads,
        "repeats": repeats,
        "keep-memory": keep,
    }
    if keep:
        keep_memory()
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        rows: list[Json] = []
        for name in chosen:
            bench = Bench(
                circuits=circuits,
                library=str(library),
                engines=list(engine_names) or list(engines),
                engines_named=bool(engine_names),
                networks=whole if name in _ONE_NETWORK else picked or (resnet20 if quick else dict(known_networks)),
                device=place,
                batch=batch,
                rounds=rounds,
                quick=quick,
                progress=progress or SilentProgress(),
            )
            rows += suites[name](bench)
        return {
            "format": FORMAT,
            "machine": machine(),
            "command": _command(asked),
            "settings": {"suites": chosen, "device": device, "rounds": rounds, "quick": quick, "keep_memory": keep},
            "multipliers": [circuit.describe() for circuit in circuits],
            "engines": [{"engine": row.engine, "usable": row.usable, "reason": row.reason} for row in engine_report()],
            "rows": rows,
            "goals": judge(rows, gpu=on_gpu),
        }
    finally:
        torch.set_num_threads(before)


def _command(asked: Json) -> str:
    """Return the command line that asks for the same."""
    words = ["agnsim", "bench"]
    for option, value in asked.items():
        for single in value if isinstance(value, list) else [value]:
            if single is True:
                words.append(f"--{option}")
            elif single not in (None, False):
                words += [f"--{option}", str(single)]
    return shlex.join(words)


def _chosen_suites(names: Sequence[str]) -> list[str]:
    for name in names:
        if name != "all" and name not in suites:
            raise UnknownName(f"unknown benchmark suite {name!r}.{did_you_mean(name, [*suites, 'all'])}")
    return [name for name in suites if "all" in names or name in names]


def _device(name: str) -> torch.device:
    if name not in ("cpu", "cuda"):
        raise InputError(f"device is {name!r}.{did_you_mean(name, ['cpu', 'cuda'])}")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device 'cuda': PyTorch sees no CUDA device here; `agnsim doctor` says what there is")
    return torch.device(name)
