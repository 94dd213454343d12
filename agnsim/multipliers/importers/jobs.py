"""Running many jobs, in this process or in several; a process that dies costs one file."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from agnsim.multipliers.importers.circuit import Job, Outcome, run_job
from agnsim.multipliers.importers.failure import Failure, shown_path
from agnsim.multipliers.importers.naming import parse_name

# Fewer files are read before other processes have started, unless two are so wide that each takes seconds.
_WORTH = 12
_WIDE = 20


def run_jobs(jobs: Sequence[Job], processes: int, done: Callable[[], None]) -> list[Outcome]:
    """Return what came of the jobs, in their order.

    Args:
        jobs: The jobs.
        processes: How many processes work on them.
        done: Called after each.
    """
    outcomes: dict[int, Outcome] = {}
    wide = sum(_weight(job) >= _WIDE for job in jobs)
    if processes <= 1 or (len(jobs) < _WORTH and wide < 2):
        for number, job in enumerate(jobs):
            outcomes[number] = run_job(job)
            done()
        return list(outcomes.values())
    # The widest first: otherwise one process would still work on them when the others have nothing left to do.
    waiting = sorted(range(len(jobs)), key=lambda number: (-_weight(jobs[number]), number))
    while waiting:
        try:
            _in_pool({number: jobs[number] for number in waiting}, processes, outcomes, done)
        except BrokenProcessPool:
            unfinished = [number for number in waiting if number not in outcomes]
            if processes == 1:  # in order, so the first unfinished one is to blame
                culprit = shown_path(jobs[unfinished[0]].path)
                reason = "the process that read it died: it takes too much memory or time"
                outcomes[unfinished[0]] = Outcome(failures=(Failure(culprit, None, reason),))
                done()
            processes = 1
        waiting = [number for number in waiting if number not in outcomes]
    return [outcomes[number] for number in range(len(jobs))]


def _in_pool(jobs: dict[int, Job], processes: int, outcomes: dict[int, Outcome], done: Callable[[], None]) -> None:
    # Not forked: threads of the progress display or of NumPy would be copied in the middle of what they do.
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    try:
        numbers: dict[Future[Outcome], int] = {pool.submit(run_job, job): number for number, job in jobs.items()}
        for future in as_completed(numbers):
            outcomes[numbers.pop(future)] = future.result()
            done()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _weight(job: Job) -> int:
    bits = job.options.bits or parse_name(job.path.stem).bits
    return sum(bits) if bits else 0
