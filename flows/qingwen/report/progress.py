"""Progress of a run: a bar on a terminal (pages done, rate, time left), plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from qingwen.corpus.spread import Progress

_EVERY = 5.0  # seconds between plain lines


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Yield what a run reports its progress to: stage, pages done, pages in all."""
    if sys.stderr.isatty():
        yield from _bar()
    else:
        yield _plain()


def _plain() -> Progress:
    started = time.monotonic()
    last = started

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if total and (done == total or now - last >= _EVERY):
            last = now
            rate = _rate(done, now - started)
            print(f"{stage}: {done}/{total} pages{rate and ', '}{rate}", file=sys.stderr)

    return progress


def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rate="")
        started: dict[str, float] = {}

        def progress(stage: str, done: int, total: int) -> None:
            since = time.monotonic() - started.setdefault(stage, time.monotonic())
            rate = _rate(done, since) if done and since > 0.2 else ""
            bar.update(task, description=stage, completed=done, total=total or None, rate=rate)

        yield progress


def _rate(done: int, seconds: float) -> str:
    rate = done / max(0.001, seconds)
    return f"{rate:.0f} pages/s" if rate >= 10 else f"{rate:.1f} pages/s" if rate >= 0.1 else ""
