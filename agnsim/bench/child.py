"""What is measured in a fresh process: peak memory and the first call. They print one number."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from agnsim.errors import AgnsimError
from agnsim.types import Json

_RETURN_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""For glibc: what is freed leaves the process at once, so that its resident memory is what it holds."""


class ChildFailed(AgnsimError):
    """A measuring process ended with an error."""


def measure_in_child(task: str, facts: Json) -> float:
    """Return what a fresh process measures.

    Args:
        task: `"memory"` or `"startup"`.
        facts: Arguments of that function.

    Raises:
        ChildFailed: The process failed; the message holds its last line.
    """
    import torch

    arguments = json.dumps(facts | {"task": task, "threads": torch.get_num_threads()})
    command = (sys.executable, "-c", f"from {__name__} import main; main()", arguments)
    environment = os.environ | (_RETURN_MEMORY if task == "memory" else {})
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ChildFailed(f"the process that measures {task} failed ({facts}): {last}")
    return float(json.loads(done.stdout.strip().splitlines()[-1]))


def memory(network: str, batch: int, variant: str, device: str, multiplier: str | None, library: str) -> float:
    """Return the most bytes that inference held at once: weights, input, caches, activations, temporaries.

    On a GPU what PyTorch allocated there. On a CPU the growth of the resident memory since the same variant has been
    run once and deleted: libraries and compiled code are in memory by then, and do not count.

    Args:
        network: Name of a network.
        batch: Images at once.
        variant: A variant without a circuit, or the engine of an emulated one.
        device: `"cpu"` or `"cuda"`.
        multiplier: Name of a circuit, or `None`.
        library: Where it comes from.
    """
    import torch

    from agnsim.bench.subjects import find_circuits, networks
    from agnsim.bench.variants import Variants

    chosen, place = networks[network], torch.device(device)
    circuit = find_circuits([multiplier], library)[0] if multiplier else None

    def build() -> Callable[[object], object]:
        variants = Variants(chosen, place)
        return variants.emulated(circuit, variant) if circuit else variants.plain(variant)

    with torch.no_grad():
        build()(chosen.images(batch).to(place))
        _settle()
        before = 0 if place.type == "cuda" else _resident("VmRSS")
        model, x = build(), chosen.images(batch).to(place)
        model(x)
        _settle()
        if place.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            model(x)
            return float(torch.cuda.max_memory_allocated())
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
        model(x)
        return float(_resident("VmHWM") - before)


def _settle() -> None:
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc
        trim(0)


def _resident(name: str) -> int:
    """Return a line of the process's status in bytes."""
    match = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert match is not None
    return 1024 * int(match[1])


def startup(engine: str, device: str, multiplier: str, library: str) -> float:
    """Return the seconds that the first emulated convolution of a process takes, its operands being there."""
    import torch

    from agnsim.bench.subjects import find_circuits
    from agnsim.kernels import conv2d

    circuit = find_circuits([multiplier], library)[0]
    generator = torch.Generator().manual_seed(6)
    x = circuit.codes((8, 16, 16, 16), generator).to(device)
    w = circuit.weights((16, 16, 3, 3), generator).to(device)
    x.sum().item()  # on a GPU: its context is there, and the operands are
    started = time.perf_counter()
    conv2d(x, w, circuit.multiplier, padding=1, engine=engine).sum().item()
    return time.perf_counter() - started


def main() -> None:
    """Do what the JSON document in the first argument asks for, and print the number."""
    import torch

    facts = json.loads(sys.argv[1])
    torch.set_num_threads(facts.pop("threads"))
    task = memory if facts.pop("task") == "memory" else startup
    print(task(**facts))
