"""The pool of workers: spawned processes that do pieces of work, and that never outlive their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import connection, parent_process

from qingwen.corpus.spread import Spread, windowed
from qingwen.corpus.work import do
from qingwen.errors import BatchError


class Pool:
    """Processes that do pieces of work; safe to use from many threads.

    When a worker dies (of memory, killed, or by a piece of more than ``seconds``), every piece that is under way
    is done once more in a process of its own, so that the one which kills its worker fails alone; the pool is made anew
    for those that follow.
    """

    def __init__(self, workers: int, seconds: float = 3600) -> None:
        self._workers, self._seconds = workers, seconds
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None
        self._closed = False

    def do(self, kind: str, kit: str, job: str) -> str:
        """Do a piece of work in a worker and wait for it.

        Raises:
            BatchError: it cannot be done now; the message says why.
        """
        executor = self._shared()
        try:
            return self._result(executor, kind, kit, job)
        except BrokenProcessPool:
            self._drop(executor)
        if self._closed:
            raise BatchError("The run was ended.")
        alone = _made(1)
        try:
            return self._result(alone, kind, kit, job)
        except BrokenProcessPool:
            limit = f"or more than {self._seconds:.0f} s"
            raise BatchError(f"The worker died twice on this batch (out of memory, killed, {limit}).") from None
        finally:
            alone.shutdown(wait=False, cancel_futures=True)

    def _result(self, executor: ProcessPoolExecutor, kind: str, kit: str, job: str) -> str:
        try:
            return executor.submit(_within, self._seconds, kind, kit, job).result()
        except (BatchError, BrokenProcessPool):
            raise
        except Exception as fault:  # of the batch, whatever it is: the other batches go on
            raise BatchError(f"The batch failed: {type(fault).__name__}: {fault}") from fault

    def close(self) -> None:
        """End the workers at once; what is asked for afterwards is refused."""
        with self._lock:
            self._closed = True
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            with suppress(OSError):
                child.kill()

    def _shared(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise BatchError("The run was ended.")
            if self._executor is None:
                self._executor = _made(self._workers)
            return self._executor

    def _drop(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._executor is broken:
                self._executor = None
        broken.shutdown(wait=False, cancel_futures=True)


def _made(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), watch_parent)


def _within(seconds: float, kind: str, kit: str, job: str) -> str:
    """Do a piece of work in this process, which the system ends where that takes longer, whatever it is doing."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return do(kind, kit, job)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def watch_parent() -> None:
    """End this process when its parent ends, however that ends."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def in_threads(pool: Pool, workers: int, retries: int) -> Spread:
    """Return what does pieces of work in the pool, each tried so many times more, from threads of this process."""

    def spread(kind: str, kit: str, jobs: Iterable[str]) -> Iterator[tuple[int, str | BatchError]]:
        with ThreadPoolExecutor(2 * workers) as threads:
            try:
                done = windowed(lambda n, job: threads.submit(_tried, pool, retries, kind, kit, job), jobs, 2 * workers)
                for n, future in done:
                    yield n, future.result()
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                pool.close()
                raise

    return spread


def _tried(pool: Pool, retries: int, kind: str, kit: str, job: str) -> str | BatchError:
    for attempt in range(retries + 1):
        try:
            return pool.do(kind, kit, job)
        except BatchError as fault:
            if attempt == retries:
                return fault
    raise AssertionError("unreachable")
