"""Pages at which workers hang or die: found by the file that a dead worker leaves, left out, counted over runs.

A worker notes each page before it begins it (`Watch`), in a file that outlives it. A page that hangs its worker, or
needs more memory than there is, costs itself alone: it is pending, like all that a machine cannot do now. After
`MOST_TRIES` runs it is left alone until it changes, or a run verifies or rebuilds.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType

from pydantic import TypeAdapter

from qingwen.dataset.location import Location, read_state
from qingwen.run.jobs import CleanJob

FAILED_PAGES = "tries.json"
MOST_TRIES = 3
READING, CLEANING = "reading", "cleaning"
# Where in the file the system writes what ran when the time was over.
_TRACE = 1 << 15
_FRAME = re.compile(r'", line [0-9]{1,9} in (\S+)')


class Watch:
    """The watch over a worker's pages; ``seconds`` is what each may take, 0 for no limit. Use as a context.

    The system's own alarm ends the process (`faulthandler`), so that native code does not escape it. A process has
    one alarm: of jobs in several threads of a process, the last one's page is watched.
    """

    def __init__(self, file: str | None, seconds: int) -> None:
        self._name, self._seconds = file, seconds

    def __enter__(self) -> Watch:
        if self._name is not None:
            # A worker that is just being ended may still write to the earlier file.
            with suppress(OSError):
                os.unlink(self._name)
        # Two handles, each with a position of its own: notes go to the start of the file, the alarm's trace behind.
        self._notes, self._trace = (os.open(self._name or os.devnull, os.O_WRONLY | os.O_CREAT, 0o600) for _ in "12")
        if self._name is not None:
            os.lseek(self._trace, _TRACE, os.SEEK_SET)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        faulthandler.cancel_dump_traceback_later()
        os.close(self._notes)
        os.close(self._trace)
        if self._name is not None and not isinstance(fault, MemoryError):
            with suppress(FileNotFoundError):
                os.unlink(self._name)

    def at(self, doing: str, path: str, page: str = "") -> None:
        """Note what comes next, and start its time."""
        if self._name is not None:
            os.lseek(self._notes, 0, os.SEEK_SET)
            os.write(self._notes, json.dumps([doing, path, page, os.getpid()]).encode() + b"\n")
        if self._seconds:
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=self._trace)


def end_frozen(file: str, seconds: int) -> None:
    """End the worker that notes its pages in a watch file, if it has noted nothing for so many seconds.

    Its own alarm would have ended it: it is stopped, or waits for a disk that does not answer.
    """
    with suppress(OSError, ValueError):
        if time.time() - os.stat(file).st_mtime > seconds:
            with open(file, "rb") as notes:
                *_, process = json.loads(notes.readline())
            os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))


@dataclass(frozen=True, slots=True)
class LastSeen:
    """Where a worker was last: ``READING`` behind an item of a file, or ``CLEANING`` a page.

    ``function`` is the one that ran when the time was over; empty where it was not the time.
    """

    doing: str
    path: str
    page: str
    function: str = ""


def last_seen(file: str) -> LastSeen | None:
    """Return where a worker was that left a watch file behind, and remove the file; None where none did."""
    try:
        with open(file, "rb") as left:
            noted = left.readline()
            left.seek(_TRACE)
            # The main thread, which does the work, is listed last.
            frame = _FRAME.search(left.read().decode("utf-8", "replace").rpartition("Thread 0x")[2])
        os.unlink(file)
        doing, path, page, _ = json.loads(noted)
        return LastSeen(doing, path, page, frame[1] if frame else "")
    except (OSError, ValueError):
        return None


def without_stuck_page(job: CleanJob, why: str) -> tuple[CleanJob, str, str] | None:
    """Return the job without the page at which its worker died, that page (or file), and why; None: it is not known."""
    seen = last_seen(job.watch) if job.watch else None
    if seen is None:
        return None
    files = [source.path for source in job.sources]
    if seen.doing == READING and seen.path not in files:
        # A container is read item by item: nothing behind this one can be read.
        stuck, changed = files[0], replace(job, until=seen.path)
    else:
        stuck = seen.path if seen.doing == READING else seen.page
        changed = replace(job, leave_out=job.leave_out | {stuck})
    return changed, stuck, f"It took too long, in {seen.function}." if seen.function else why


@dataclass(frozen=True, slots=True)
class FailedPage:
    """A page, or an unreadable file, at which workers died: in how many runs, why, and its paths."""

    tries: int
    why: str
    paths: list[str] = field(default_factory=list)


FailedPages = Mapping[str, FailedPage]
"""By a page's id; by its path, a file that cannot be read on."""


def load_failed_pages(state: Location) -> FailedPages:
    """Return the pages at which earlier runs of a dataset failed.

    Raises:
        SetupError: the file is damaged.
    """
    hint = "Remove it: then these pages are tried again."
    return read_state(state / FAILED_PAGES, parse_failed_pages, hint) or {}


def parse_failed_pages(text: str | bytes) -> FailedPages:
    """Return what `failed_pages_file` states.

    Raises:
        ValueError: the text is damaged.
    """
    return _failed_pages().validate_json(text)


def failed_pages_file(failed: FailedPages, state: Location) -> dict[str, str]:
    """Return what `load_failed_pages` reads, by its file's name; nothing where no page ever failed."""
    if not failed and not (state / FAILED_PAGES).exists():
        return {}
    return {FAILED_PAGES: _failed_pages().dump_json(dict(sorted(failed.items())), indent=1).decode()}


def _failed_pages() -> TypeAdapter[dict[str, FailedPage]]:
    return TypeAdapter(dict[str, FailedPage])


def given_up(failed: FailedPages) -> FailedPages:
    """Return the pages that are not tried any more."""
    return {key: page for key, page in failed.items() if page.tries >= MOST_TRIES}


def count_failures(before: FailedPages, stuck: Mapping[str, str], left_out: Iterable[tuple[str, str]]) -> FailedPages:
    """Return the failed pages with those of this run.

    ``stuck`` says why workers died, by page or file; ``left_out`` are the paths that were left out, with their page
    (empty: the file itself).
    """
    paths: dict[str, set[str]] = {}
    for path, page in left_out:
        paths.setdefault(page or path, set()).add(path)
    failed = dict(before)
    for key in (*paths, *stuck):
        known = before.get(key, FailedPage(0, ""))
        failed[key] = FailedPage(
            known.tries + (key in stuck),
            stuck.get(key, known.why),
            sorted({*known.paths, *paths.get(key, ())}),
        )
    return failed


def why_pending(left_out: Mapping[str, str], before: FailedPages, now: FailedPages) -> dict[str, str]:
    """Return why each path that was left out is pending; pages that were given up before are not pending."""
    alone = given_up(before)
    keys = {path: page or path for path, page in left_out.items() if (page or path) not in alone}
    return {path: f"{now[key].why} (try {now[key].tries} of {MOST_TRIES})" for path, key in keys.items()}
