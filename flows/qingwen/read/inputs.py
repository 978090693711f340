"""What the user named, as a list of files: files, folders and globs, in a stable order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qingwen.errors import SetupError

ENDINGS = (".txt", ".html", ".htm", ".txt.gz", ".html.gz", ".htm.gz")


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read: its path as the user gave it (POSIX), its size in bytes and its time of change in nanoseconds.

    Size and time are -1 where the file cannot be looked at; reading it will say why.
    """

    path: str
    size: int
    modified: int


def find_sources(inputs: Iterable[str]) -> Iterator[Source]:
    """Yield the files that the inputs name, in no certain order; a file that two inputs name comes twice."""
    for named in inputs:
        yield from map(_source, _expand(named))


def list_sources(inputs: Iterable[str]) -> list[Source]:
    """Return the files that the inputs name, sorted by path, each once.

    Raises:
        SetupError: an input matches nothing; the message names it.
    """
    inputs = list(inputs)
    check_inputs(inputs)
    return sorted(dict.fromkeys(find_sources(inputs)), key=lambda source: source.path)


def check_inputs(inputs: Iterable[str]) -> None:
    """Look whether each input names something.

    Raises:
        SetupError: an input matches nothing; the message names it.
    """
    for named in inputs:
        if next(_expand(named), None) is None:
            known = ", ".join(ENDINGS)
            raise SetupError(f"{named}: nothing to read. Give a file, a folder that holds {known}, or a quoted glob.")


def _expand(named: str) -> Iterator[str]:
    if os.path.isdir(named):
        yield from _folder(named)
    elif os.path.lexists(named):
        yield _posix(named)
    else:
        for path in glob.iglob(named, recursive=True):
            if os.path.isdir(path):
                yield from _folder(path)
            else:
                yield _posix(path)


def _folder(folder: str) -> Iterator[str]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                yield _posix(os.path.join(where, name))


def _posix(path: str) -> str:
    return Path(path).as_posix()


def _source(path: str) -> Source:
    try:
        status = os.stat(path)
    except OSError:
        return Source(path, -1, -1)
    return Source(path, status.st_size, status.st_mtime_ns)
