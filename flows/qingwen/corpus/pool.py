"""The pool of workers: spawned processes that clean batches, and that never outlive their parent."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress

from qingwen.config import Config
from qingwen.corpus.batch import Counts, Job, start_worker, watch_parent, work
from qingwen.corpus.survey import Chosen, Sighting, sight_all
from qingwen.errors import BatchError
from qingwen.rules.forgotten import Forgotten
from qingwen.rules.sites import SiteBook

# Pages that a worker surveys at a time.
_SURVEYED = 100


class Pool:
    """Processes that clean batches; safe to use from many threads. ``sites`` and ``forgotten`` are set before
    the first batch.

    When a worker dies (of memory, or killed), every batch that is under way runs once more in a process of its own,
    so that the batch which kills its worker fails alone; the pool is made anew for those that follow.
    """

    def __init__(self, workers: int, config: Config, rules: str | None) -> None:
        self._workers, self._config, self._rules = workers, config, rules
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None
        self.sites = SiteBook()
        self.forgotten = Forgotten()

    def sight(self, chosen: Sequence[Chosen], known: SiteBook, seen: Callable[[int], None]) -> list[Sighting]:
        """Return what pages show of sites that are not known, looked at in workers; in no certain order.

        ``seen`` is told how many more pages were looked at. A page that kills its worker is left out: cleaning will
        name it.
        """
        names = frozenset(known.sites)
        some = [tuple(chosen[at : at + _SURVEYED]) for at in range(0, len(chosen), _SURVEYED)]
        found, broken = self._sighted(some, names, seen)
        for group in broken:
            again, alone = self._sighted([group], names, seen)
            found += again
            for one in (one for few in alone for one in few):
                found += self._sighted([(one,)], names, seen)[0]
        return found

    def _sighted(
        self, groups: Sequence[tuple[Chosen, ...]], known: frozenset[str], seen: Callable[[int], None]
    ) -> tuple[list[Sighting], list[tuple[Chosen, ...]]]:
        """Return what groups of pages show, and the groups that were under way when a worker died."""
        found: list[Sighting] = []
        broken: list[tuple[Chosen, ...]] = []
        workers = min(self._workers, len(groups))
        executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), watch_parent)
        try:
            waiting = {executor.submit(sight_all, group, self._config, known, self._rules): group for group in groups}
            for future in as_completed(waiting):
                try:
                    found += future.result()
                    seen(len(waiting[future]))
                except BrokenProcessPool:
                    broken.append(waiting[future])
        finally:
            # On a signal nobody waits for the groups that are left.
            executor.shutdown(wait=False, cancel_futures=True)
        return found, broken

    def clean(self, job: Job) -> Counts:
        """Clean one batch in a worker and wait for it.

        Raises:
            BatchError: the batch cannot be cleaned now; the message says why.
        """
        executor = self._shared()
        try:
            return _result(executor, job)
        except BrokenProcessPool:
            self._drop(executor)
        alone = self._made(1)
        try:
            return _result(alone, job)
        except BrokenProcessPool:
            raise BatchError("The worker died twice on this batch (out of memory, or killed).") from None
        finally:
            alone.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Let the workers finish nothing more and end them at once."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            with suppress(OSError):
                child.kill()

    def _shared(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._executor is None:
                self._executor = self._made(self._workers)
            return self._executor

    def _drop(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._executor is broken:
                self._executor = None
        broken.shutdown(wait=False, cancel_futures=True)

    def _made(self, workers: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(
            workers, context, start_worker, (self._config, self._rules, self.sites, self.forgotten)
        )


def _result(executor: ProcessPoolExecutor, job: Job) -> Counts:
    try:
        return Counts.from_json(executor.submit(work, job).result())
    except (BatchError, BrokenProcessPool):
        raise
    except Exception as fault:  # of the batch, whatever it is: the other batches go on
        raise BatchError(f"The batch failed: {type(fault).__name__}: {fault}") from fault
