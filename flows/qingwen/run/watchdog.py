"""What a worker is at, page by page, in a file that outlives it; and the end of a worker that stays at a page too long.

A page that hangs a worker, or kills it, is so known by what the dead worker left, and costs that page alone. How long
it took decides nothing of the rows: such a page is pending.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

READING, CLEANING = "reading", "cleaning"
# Where in the file the system writes what ran when the time was over.
_TRACE = 1 << 15
_FRAME = re.compile(r'", line [0-9]{1,9} in (\S+)')


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a worker was last: ``READING`` on behind an item of a file, or ``CLEANING`` a page.

    ``where`` is the function that ran when the time was over; empty where it was not the time.
    """

    doing: str
    path: str
    page: str
    where: str = ""


class Watch:
    """The watch over a worker's pages; ``seconds`` is what each may take, 0 for no limit. Use as a context.

    The system's own alarm ends the process (`faulthandler`), so that native code does not escape it. A process has
    one: pieces of work in several threads of a process are watched by the last one's.
    """

    def __init__(self, file: str | None, seconds: int) -> None:
        self._name, self._seconds = file, seconds

    def __enter__(self) -> Watch:
        if self._name is not None:
            # A worker that is just being ended may still write to the file of before.
            with suppress(OSError):
                os.unlink(self._name)
        self._file = os.open(self._name or os.devnull, os.O_WRONLY | os.O_CREAT, 0o600)
        os.lseek(self._file, 0 if self._name is None else _TRACE, os.SEEK_SET)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        faulthandler.cancel_dump_traceback_later()
        os.close(self._file)
        if self._name is not None and not isinstance(fault, MemoryError):
            with suppress(FileNotFoundError):
                os.unlink(self._name)

    def at(self, doing: str, path: str, page: str = "") -> None:
        """Note what comes next, and give it its time."""
        if self._name is not None:
            faulthandler.cancel_dump_traceback_later()  # it writes at the file's position
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, json.dumps([doing, path, page]).encode() + b"\n")
            os.lseek(self._file, _TRACE, os.SEEK_SET)
        if self._seconds:
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=self._file)


def last_seen(file: str) -> Seen | None:
    """Return where a worker was that left a watch behind, which is removed; None where none did."""
    try:
        with open(file, "rb") as left:
            noted = left.readline()
            left.seek(_TRACE)
            # The main thread, which does the work, is listed last.
            frame = _FRAME.search(left.read().decode("utf-8", "replace").rpartition("Thread 0x")[2])
        os.unlink(file)
        doing, path, page = json.loads(noted)
        return Seen(doing, path, page, frame[1] if frame else "")
    except (OSError, ValueError):
        return None
