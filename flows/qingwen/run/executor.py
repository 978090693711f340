"""How work is spread: the kinds of pieces, what does them, and a bound on how many are under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any

from qingwen.errors import BatchError

CLEAN, SIGHT, MINE, CONNECT = "clean-batch", "survey-pages", "mine-sites", "connect-bands"


Executor = Callable[[str, str, Iterable[str]], Iterator[tuple[int, str | BatchError]]]

"""Does pieces of one kind (first) with a kit's file (second), anywhere; yields the number of each with what came of it,
in no certain order. A piece that cannot be done now yields the fault. `work.do` does one piece in a process."""

"""Called with the stage, the pages done and the pages in all."""


def windowed(submit: Callable[[int, str], Any], jobs: Iterable[str], most: int) -> Iterator[tuple[int, Any]]:
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
