"""The pool of workers: spawned processes that do pieces of work, and that never outlive their parent."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import connection, parent_process
from pathlib import Path

try:
    import resource
except ModuleNotFoundError:  # Windows, where a worker's memory has no limit
    resource = None  # type: ignore[assignment]

from qingwen.errors import BatchError, EndedError, WorkerLostError
from qingwen.read.open import is_url
from qingwen.read.page import Source
from qingwen.run.clean_batch import Job, clean_batch
from qingwen.run.executor import CLEAN, CONNECT, MINE, SIGHT, Executor, windowed
from qingwen.run.near_duplicates import connect_file
from qingwen.run.survey import mine_bucket, sight_group
from qingwen.run.watchdog import Watch
from qingwen.run.worker_context import WorkerContext, open_context


def do(kind: str, kit: str, job: str) -> str:
    """Do a piece of work in this process; return what it has to say.

    Raises:
        BatchError: it cannot be done now, or not here.
    """
    return _DOES[kind](job, open_context(kit))


def _clean(job: str, kit: WorkerContext) -> str:
    stated = Job.from_json(job)
    _check_folder(stated.sources, kit)
    return clean_batch(stated, kit).to_json()


def _sight(job: str, kit: WorkerContext) -> str:
    with Watch(None, kit.page_seconds) as watch:
        return sight_group(job, kit.config, kit.book, frozenset(kit.sites.sites), watch)


def _mine(job: str, kit: WorkerContext) -> str:
    return mine_bucket(job, kit.config)


def _connect(job: str, kit: WorkerContext) -> str:
    return connect_file(**json.loads(job))


def _check_folder(sources: Iterable[Source], kit: WorkerContext) -> None:
    if os.getcwd() == kit.folder:
        return
    for source in sources:
        if not (is_url(source.path) or Path(source.path).is_absolute()):
            raise BatchError(
                f"{source.path}: the worker runs in {os.getcwd()}, the run in {kit.folder}. "
                "Name inputs by absolute paths or URLs, or start the workers in the run's folder."
            )


_DOES: dict[str, Callable[[str, WorkerContext], str]] = {CLEAN: _clean, SIGHT: _sight, MINE: _mine, CONNECT: _connect}


# A worker needs about .2 GiB of its own, and the largest pages up to one.
_LEAST_MEMORY = 2 << 30


class Pool:
    """Processes that do pieces of work; safe to use from many threads.

    When a worker dies (of memory, killed, or at a page of too many seconds), every piece that is under way
    is done once more in a process of its own, so that the one which kills its worker fails alone; the pool is made anew
    for those that follow. A worker takes no more than ``memory`` bytes, 0: its share of the machine's.
    """

    def __init__(self, workers: int, memory: int = 0) -> None:
        self._workers, self._memory = workers, memory or max(_LEAST_MEMORY, _machine_memory() // workers)
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None
        self._closed = False

    def do(self, kind: str, kit: str, job: str) -> str:
        """Do a piece of work in a worker and wait for it.

        Raises:
            BatchError: it cannot be done now; the message says why.
            WorkerLostError: its worker died twice.
            EndedError: the run was ended.
        """
        executor = self._shared()
        try:
            return _result(executor, kind, kit, job)
        except BrokenProcessPool:
            self._drop(executor)
        if self._closed:
            raise EndedError("The run was ended.")
        alone = self._made(1)
        try:
            return _result(alone, kind, kit, job)
        except BrokenProcessPool:
            raise WorkerLostError("The worker died twice on this batch (out of memory, or killed).") from None
        finally:
            alone.shutdown(wait=False, cancel_futures=True)

    def _made(self, workers: int) -> ProcessPoolExecutor:
        if os.name == "nt":
            workers = min(workers, 61)  # more handles cannot be waited for there
        return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), prepare_worker, (self._memory,))

    def finish(self) -> None:
        """Begin no more pieces of work; those that a worker is at are done."""
        with self._lock:
            self._closed = True
            if self._executor is not None:
                self._executor.shutdown(wait=False, cancel_futures=True)

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
                raise EndedError("The run was ended.")
            if self._executor is None:
                self._executor = self._made(self._workers)
            return self._executor

    def _drop(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._executor is broken:
                self._executor = None
        broken.shutdown(wait=False, cancel_futures=True)


def _result(executor: ProcessPoolExecutor, kind: str, kit: str, job: str) -> str:
    try:
        return executor.submit(do, kind, kit, job).result()
    except (BatchError, BrokenProcessPool):
        raise
    except CancelledError:
        raise EndedError("The run was ended.") from None
    except MemoryError:
        raise WorkerLostError("The worker's memory does not suffice.") from None
    except Exception as fault:  # of the batch, whatever it is: the other batches go on
        raise BatchError(f"The batch failed: {type(fault).__name__}: {fault}") from fault


def _machine_memory() -> int:
    """Return the bytes that this machine has, or that its container may use."""
    if resource is None:
        return 0  # the limit is not set there
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        found = min(found, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return found


def prepare_worker(memory: int) -> None:
    """Bound this process's memory; end it when its parent ends, however that ends, and not when a terminal says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if resource is not None:
        with suppress(OSError, ValueError):  # a system that cannot, or allows less already
            resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def in_threads(pool: Pool, workers: int, retries: int) -> Executor:
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


def _tried(pool: Pool | _Here, retries: int, kind: str, kit: str, job: str) -> str | BatchError:
    for attempt in range(retries + 1):
        try:
            return pool.do(kind, kit, job)
        except BatchError as fault:
            if attempt == retries or isinstance(fault, WorkerLostError | EndedError):
                return fault
    raise AssertionError("unreachable")


def in_this_process(retries: int) -> Executor:
    """Return an executor without workers: each piece of work is done here, in turn. For tests and debuggers."""

    def spread(kind: str, kit: str, jobs: Iterable[str]) -> Iterator[tuple[int, str | BatchError]]:
        for n, job in enumerate(jobs):
            yield n, _tried(_Here(), retries, kind, kit, job)

    return spread


class _Here:
    """What does a piece of work as `Pool` does, in this process."""

    def do(self, kind: str, kit: str, job: str) -> str:
        try:
            return do(kind, kit, job)
        except BatchError:
            raise
        except Exception as fault:  # of the batch, whatever it is: the other batches go on
            raise BatchError(f"The batch failed: {type(fault).__name__}: {fault}") from fault
