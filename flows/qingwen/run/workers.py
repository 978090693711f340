"""Who does the jobs of a run: this process, or a pool of worker processes that never outlive their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import connection, parent_process
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from qingwen.errors import BatchError, EndedError, WorkerLostError
from qingwen.read.open import is_url
from qingwen.run.clean_batch import clean_batch
from qingwen.run.jobs import CleanJob, Executor, Job, Result, SurveyJob, WorkerContext, open_context
from qingwen.run.stuck_pages import Watch, end_frozen
from qingwen.run.survey import mine_bucket, survey_pages

Work = Callable[[str, Job], Result]
"""Does one job with a context, named by its file."""

ENDED = "The run was stopped, and nothing was published. The dataset is as it was; run again to go on."
# A worker's own alarm has so many seconds more than a page may take; and how often a job's watch is looked at.
_GRACE, _LOOK_SECONDS = 20, 2.0
# A worker needs about .2 GiB of its own, and the largest pages up to one.
_LEAST_MEMORY = 2 << 30


def perform(context: str, job: Job) -> Result:
    """Do a job in this process.

    Raises:
        BatchError: it cannot be done now, or not here.
    """
    opened = open_context(context)
    if isinstance(job, CleanJob):
        _check_folder(job, opened)
        return clean_batch(job, opened)
    if isinstance(job, SurveyJob):
        with Watch(None, opened.page_seconds) as watch:
            return survey_pages(job, opened, watch)
    return mine_bucket(job, opened.config)


def _check_folder(job: CleanJob, context: WorkerContext) -> None:
    if os.getcwd() == context.folder:
        return
    for source in job.sources:
        if not (is_url(source.path) or Path(source.path).is_absolute()):
            raise BatchError(
                f"{source.path}: the worker runs in {os.getcwd()}, the run in {context.folder}. "
                "Name inputs by absolute paths or URLs, or start the workers in the run's folder."
            )


def in_this_process(retries: int, stop: threading.Event) -> Executor:
    """Return an executor without workers: each job is done here, in turn. For tests and debuggers."""

    def work(context: str, job: Job) -> Result:
        if stop.is_set():
            raise EndedError(ENDED)
        try:
            return perform(context, job)
        except BatchError:
            raise
        except Exception as fault:  # the batch's, whatever it is: the other batches go on
            raise _batch_error(fault) from fault

    def execute(context: str, jobs: Iterable[Job]) -> Iterator[tuple[int, Result | BatchError]]:
        for n, job in enumerate(jobs):
            yield n, _tried(work, retries, context, job)

    return execute


def in_threads(pool: Pool, workers: int, retries: int) -> Executor:
    """Return an executor that waits for a pool in threads of this process."""

    def execute(context: str, jobs: Iterable[Job]) -> Iterator[tuple[int, Result | BatchError]]:
        with ThreadPoolExecutor(2 * workers) as threads:
            try:
                futures = windowed(
                    lambda n, job: threads.submit(_tried, pool.do, retries, context, job), jobs, 2 * workers
                )
                for n, future in futures:
                    yield n, future.result()
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                pool.close()
                raise

    return execute


def windowed(submit: Callable[[int, Any], Any], jobs: Iterable[Any], most: int) -> Iterator[tuple[int, Any]]:
    """Submit jobs, never more than ``most`` unfinished ones; yield each number and its future when it is done.

    ``submit`` takes a number and a job and returns a future, of whatever library.
    """
    done: SimpleQueue[int] = SimpleQueue()
    waiting: dict[int, Any] = {}
    for n, job in enumerate(jobs):
        future = waiting[n] = submit(n, job)
        future.add_done_callback(lambda _, n=n: done.put(n))
        if len(waiting) >= most:
            first = done.get()
            yield first, waiting.pop(first)
    while waiting:
        first = done.get()
        yield first, waiting.pop(first)


def _tried(work: Work, retries: int, context: str, job: Job) -> Result | BatchError:
    for attempt in range(retries + 1):
        try:
            return work(context, job)
        except BatchError as fault:
            if attempt == retries or isinstance(fault, WorkerLostError | EndedError):
                return fault
    raise AssertionError("unreachable")


def _batch_error(fault: Exception) -> BatchError:
    return BatchError(f"The batch failed: {type(fault).__name__}: {fault}")


class Pool:
    """Processes that do jobs; safe to use from many threads. Use as a context: leaving it ends the workers.

    A job is begun when a worker is free, and not after ``stop`` is set. When a worker dies (out of memory, killed, or
    at a page for too many seconds), every job under way is done once more in a process of its own, so that the one
    which kills its worker fails alone; the pool is made anew for the jobs that follow. A worker takes no more than
    ``gib`` GiB of memory, 0: its share of the machine's. One that is stopped is ended a while after the
    ``page_seconds`` that a page may take, 0: never.
    """

    def __init__(
        self, workers: int, gib: float = 0, stop: threading.Event | None = None, page_seconds: int = 0
    ) -> None:
        self._workers, self._patience = workers, page_seconds + _GRACE if page_seconds else 0
        self._memory = int(gib * (1 << 30)) or max(_LEAST_MEMORY, _machine_memory() // workers)
        self._stop = stop or threading.Event()
        self._free = threading.Semaphore(workers)
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None
        self._closed = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def do(self, context: str, job: Job) -> Result:
        """Do a job in a worker and wait for it.

        Raises:
            BatchError: it cannot be done now; the message says why.
            WorkerLostError: its worker died twice.
            EndedError: the run was ended.
        """
        with self._free:
            executor = self._shared()
            try:
                return _result(executor, context, job, self._patience)
            except BrokenProcessPool:
                self._drop(executor)
            self._check()
            alone = self._made(1)
            try:
                return _result(alone, context, job, self._patience)
            except BrokenProcessPool:
                raise WorkerLostError("The worker died twice on this batch (out of memory, or killed).") from None
            finally:
                alone.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the workers at once, and refuse every later job."""
        with self._lock:
            self._closed = True
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            with suppress(OSError):
                child.kill()

    def _check(self) -> None:
        if self._closed or self._stop.is_set():
            raise EndedError(ENDED)

    def _shared(self) -> ProcessPoolExecutor:
        with self._lock:
            self._check()
            if self._executor is None:
                self._executor = self._made(self._workers)
            return self._executor

    def _made(self, workers: int) -> ProcessPoolExecutor:
        if os.name == "nt":
            workers = min(workers, 61)  # Windows cannot wait for more handles
        return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), prepare_worker, (self._memory,))

    def _drop(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._executor is broken:
                self._executor = None
        broken.shutdown(wait=False, cancel_futures=True)


def _result(executor: ProcessPoolExecutor, context: str, job: Job, patience: int) -> Result:
    """Do a job in an executor; its worker may note nothing for ``patience`` seconds, 0: for ever."""
    watched = job.watch if isinstance(job, CleanJob) and patience else None
    try:
        with _interrupts_held():
            future = executor.submit(perform, context, job)  # which may start a worker
        while watched is not None and not wait([future], timeout=_LOOK_SECONDS).done:
            end_frozen(watched, patience)
        return future.result()
    except (BatchError, BrokenProcessPool):
        raise
    except CancelledError:
        raise EndedError(ENDED) from None
    except MemoryError:
        raise WorkerLostError("The worker's memory does not suffice.") from None
    except Exception as fault:  # the batch's, whatever it is: the other batches go on
        raise _batch_error(fault) from fault


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back from this thread, and so from the processes that it starts: a worker ends with its parent."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _machine_memory() -> int:
    """Return the bytes that this machine has, or that its container may use; 0 where the system does not say."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # Windows
        return 0
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        machine = min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return machine


def prepare_worker(memory: int) -> None:
    """Bound a worker's memory. It ends when its parent ends, however that ends, and not at a terminal's interrupt."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ImportError, OSError, ValueError):  # Windows; a system that cannot, or allows less already
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
