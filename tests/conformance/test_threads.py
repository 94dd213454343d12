"""However engines are called: odd thread counts, several threads at once, forked processes, data loaders."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from agnsim.kernels import conv2d, engines
from agnsim.testing import EngineCase, check_engine, engine_circuits

ENGINES = [name for name in engines if name != "reference"]
CASES = [
    EngineCase(f"{name}-{circuit}", circuit, x, w, {"padding": 1, "groups": groups, "pad_value": 3}, layout=layout)
    for circuit in ("rank1_u8xs8", "rank3_u8xs8", "any_u8xs8")
    for name, x, w, groups, layout in (
        ("dense", (7, 5, 17, 13), (18, 5, 3, 3), 1, "contiguous"),
        ("last", (7, 5, 17, 13), (18, 5, 3, 3), 1, "channels_last"),
        ("grouped", (3, 6, 9, 7), (8, 3, 3, 3), 2, "contiguous"),
        ("single", (1, 1, 1, 1), (1, 1, 3, 3), 1, "contiguous"),
    )
]


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def check_all(engine: str) -> None:
    for case in CASES:
        if case.unavailable(engines[engine]) is None:
            check_engine(engine, case)


@pytest.mark.parametrize("count", [1, 2, 3, 11])
@pytest.mark.parametrize("engine", ENGINES)
def test_any_number_of_threads(engine: str, count: int, threads: Callable[[int], None]) -> None:
    threads(count)  # 11: more than cores, images and rows of some cases
    check_all(engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_several_callers_at_once(engine: str, threads: Callable[[int], None]) -> None:
    threads(2)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(check_all, engine) for _ in range(8)]:
            done.result()


def _in_child(engine: str, threads: int, answers: list[tuple[EngineCase, Tensor]], pipe: Connection) -> None:
    torch.set_num_threads(threads)
    try:
        # The engine alone: PyTorch's own operations, the reference among them, may hang here on several threads.
        found = [conv2d(*case.operands(), case.multiplier, engine=engine, **case.arguments) for case, _ in answers]
        pipe.send([np.array_equal(sums, expected) for sums, (_, expected) in zip(found, answers, strict=True)])
    except BaseException as error:
        pipe.send(repr(error))


# OpenMP, which computes the float convolutions of `factored`, hangs on several threads in a child of a process that has
# used it; PyTorch's data loader therefore sets one. The compiled loops' own pool has no such limit.
@pytest.mark.parametrize(("engine", "count"), [("factored", 1), ("simd", 2)])
def test_forked_process_after_use(engine: str, count: int, threads: Callable[[int], None]) -> None:
    threads(2)
    check_all(engine)
    answers = [
        (case, conv2d(*case.operands(), case.multiplier, engine="reference", **case.arguments))
        for case in CASES
        if case.unavailable(engines[engine]) is None
    ]
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(engine, count, answers, theirs))
    child.start()
    try:
        assert ours.poll(60), "the forked process hangs"
        assert ours.recv() == [True] * len(answers)
    finally:
        child.kill()
        child.join()


class _Convolved(Dataset[Tensor]):
    def __init__(self, engine: str, circuit: str) -> None:
        self.engine, self.multiplier = engine, engine_circuits()[circuit]

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Tensor:
        x = torch.arange(2 * 6 * 6, dtype=torch.int32).view(1, 2, 6, 6) + index
        w = torch.arange(3 * 2 * 9, dtype=torch.int32).view(3, 2, 3, 3) - 20
        return conv2d(x, w, self.multiplier, padding=1, engine=self.engine)


@pytest.mark.parametrize(("engine", "circuit"), [("factored", "rank3_u8xs8"), ("simd", "any_u8xs8")])
def test_data_loader_worker_after_use(engine: str, circuit: str, threads: Callable[[int], None]) -> None:
    threads(2)
    expected = torch.stack([_Convolved("reference", circuit)[index] for index in range(4)])
    data = _Convolved(engine, circuit)
    assert torch.equal(torch.stack([data[index] for index in range(4)]), expected)
    loader = DataLoader(data, batch_size=2, num_workers=1, multiprocessing_context="fork", timeout=60)
    assert torch.equal(torch.cat(list(loader)), expected)
