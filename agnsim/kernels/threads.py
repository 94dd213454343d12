"""One pool of threads for all compiled loops, as many as PyTorch uses."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_size = 0


def run_parts(work: Callable[[int], object], parts: int) -> None:
    """Call `work(0)` to `work(parts - 1)`, side by side on at most `torch.get_num_threads()` threads; wait for all.

    The calling thread takes parts too, so that a call from within a part cannot starve. `work` should spend its time
    outside the GIL. Safe to call from several threads, and after a fork.

    Raises:
        Exception: What a part raised, after all running parts have ended.
    """
    threads = min(torch.get_num_threads(), parts)
    if threads <= 1:
        for part in range(parts):
            work(part)
        return
    remaining = iter(range(parts))  # `next` on a range iterator is atomic under the GIL

    def take() -> None:
        for part in remaining:
            work(part)

    futures = [_executor(threads - 1).submit(take) for _ in range(threads - 1)]
    try:
        take()
    finally:
        for future in futures:
            future.cancel() or future.exception()
    for future in futures:
        if not future.cancelled():
            future.result()


def _executor(threads: int) -> ThreadPoolExecutor:
    global _pool, _size
    with _lock:
        if _pool is None or _size < threads:
            # The old pool, if any, is left to those who use it; its idle threads end with it.
            _pool, _size = ThreadPoolExecutor(threads, thread_name_prefix="agnsim"), threads
        return _pool


def _forget() -> None:
    """In a forked child the pool's threads do not exist."""
    global _pool, _size, _lock
    _pool, _size, _lock = None, 0, threading.Lock()


os.register_at_fork(after_in_child=_forget)
