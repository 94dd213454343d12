"""Jobs in processes: in order, and a process that dies costs one file."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from agnsim.multipliers.importers import jobs
from agnsim.multipliers.importers.circuit import Job, Outcome
from agnsim.multipliers.importers.importer import ImportOptions

JOBS = [Job(Path(f"mul{width}u_{number}.c"), "C circuit", ImportOptions()) for number in range(7) for width in (4, 8)]


def test_a_process_that_dies_costs_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[int], int]] = []

    def in_pool(waiting: dict[int, Job], processes: int, outcomes: dict[int, Outcome], done) -> None:
        calls.append((list(waiting), processes))
        for number in waiting:
            if number == 3:
                raise BrokenProcessPool
            outcomes[number] = Outcome(is_other=True)
            done()

    monkeypatch.setattr(jobs, "_in_pool", in_pool)
    steps: list[None] = []
    outcomes = jobs.run_jobs(JOBS, 2, lambda: steps.append(None))
    assert len(steps) == len(JOBS)
    assert [outcome.is_other for outcome in outcomes] == [number != 3 for number in range(len(JOBS))]
    assert "the process that read it died" in outcomes[3].failures[0].reason
    assert outcomes[3].failures[0].file == str(JOBS[3].path)
    assert [processes for _, processes in calls] == [2, 1, 1]
    assert calls[0][0] == [*range(1, 14, 2), *range(0, 14, 2)]  # the widest first


def test_few_files_are_read_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_in_pool", None)
    outcomes = jobs.run_jobs(JOBS[:5], 8, lambda: None)
    assert all("can't be read" in outcome.failures[0].reason for outcome in outcomes)
