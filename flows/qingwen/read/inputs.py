"""What the user named, as a list of files: files, folders and globs, in a stable order."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from qingwen.errors import SetupError
from qingwen.read import containers
from qingwen.read.archives import PAGE_ENDINGS
from qingwen.read.open import LINK, Found, find, is_url, shown
from qingwen.read.page import Source

# What a dataset of ours, and a Delta table of anybody's, holds: neither is read as a folder of pages.
DATASET = ("_state/lock", "_delta_log")

_MAGIC = re.compile(r"[*?\[]")

_ANY_DEPTH = "**"


def walk(folder: str, wanted: Callable[[str], bool], root: str | None = None) -> Iterator[str]:
    """Yield the files below a folder whose names are wanted; ``root`` is the folder that links may not lead out of."""
    root = os.path.realpath(folder if root is None else root)
    for where, folders, files in _folders(folder):
        if isinstance(where, OSError):
            yield str(where.filename)
            continue
        if any(os.path.exists(os.path.join(where, mark)) for mark in DATASET):
            folders.clear()
            continue
        for name in (*folders, *(name for name in sorted(files) if wanted(name))):
            path = os.path.join(where, name)
            if _leads_out(path, root):
                yield path + LINK
            elif name not in folders:
                yield path


def expand(pattern: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Yield the files that a glob names, and those wanted below the folders that it names."""
    parts = pattern.split("/")
    fixed = next((n for n, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    if fixed == len(parts):  # no glob, but the name of what is not there
        return
    start = "/".join(parts[:fixed]) or ("/" if fixed else "")
    root = os.path.realpath(start or ".")
    for path in _matches(start, [part for part in parts[fixed:] if part], root):
        if os.path.isdir(path) and not path.endswith(LINK):
            # At any depth the folder that a link leads to is met at its own place.
            if not (_ANY_DEPTH in parts and os.path.islink(path)):
                yield from walk(path, wanted, root)
        else:
            yield path


def _matches(folder: str, parts: Sequence[str], root: str) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if part == _ANY_DEPTH:
        for where, _, files in _folders(folder or "."):
            if isinstance(where, OSError):
                yield str(where.filename)
            elif rest:
                yield from _matches(where, rest, root)
            else:
                yield from _matches(where, ["*"], root) if files else ()
        return
    for name in _names(folder, part):
        path = os.path.join(folder, name)
        if _leads_out(path, root):
            yield path + LINK
        elif not rest:
            yield path
        elif os.path.isdir(path):
            yield from _matches(path, rest, root)


def _names(folder: str, part: str) -> list[str]:
    if not _MAGIC.search(part):
        return [part] if os.path.lexists(os.path.join(folder, part)) else []
    try:
        names = os.listdir(folder or ".")
    except OSError:  # said by the walk above it, or no folder at all
        return []
    hidden = part.startswith(".")
    return sorted(name for name in names if fnmatchcase(name, part) and (hidden or not name.startswith(".")))


def _folders(folder: str) -> Iterator[tuple[str | OSError, list[str], list[str]]]:
    """Walk a folder in order, without what is hidden; a fault stands for a folder that cannot be listed."""
    faults: list[OSError] = []
    for where, folders, files in os.walk(folder, onerror=faults.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield where, folders, files
    yield from ((fault, [], []) for fault in faults if not isinstance(fault, FileNotFoundError))


def _leads_out(path: str, root: str) -> bool:
    if not os.path.islink(path):
        return False
    return os.path.commonpath((root, os.path.realpath(path))) != root


ENDINGS = (*PAGE_ENDINGS, *containers.ENDINGS)


def find_sources(inputs: Iterable[str]) -> Iterator[Source]:
    """Yield the files that the inputs name, in no certain order; a file that two inputs name comes twice."""
    for named in inputs:
        if is_url(named):
            yield from (
                Source(*found) for found in _without_datasets(find(named)) if found[0] == named or _wanted(found[0])
            )
        else:
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
        if next(find_sources([named]), None) is None:
            known = " ".join(ending for ending in ENDINGS if ending.count(".") == 1)
            there = "" if os.path.exists(named) or is_url(named) else "there is no such file or folder; "
            raise SetupError(
                f"{named}: {there}nothing to read. Give a file, a folder, a quoted glob or a URL. "
                f"Files end in {known}, packed or not (.gz, .zst)."
            )


def _expand(named: str) -> Iterator[str]:
    if os.path.isdir(named):
        yield from walk(named, _wanted)
    elif os.path.lexists(named):
        yield named
    else:
        yield from expand(named, _wanted)


def _without_datasets(found: Iterable[Found]) -> Iterator[Found]:
    listed = list(found)
    marked = (path.partition(f"/{mark}")[0] + "/" for path, _, _ in listed for mark in DATASET if f"/{mark}" in path)
    roots = tuple(set(marked))
    return (one for one in listed if not one[0].startswith(roots))


def _wanted(path: str) -> bool:
    return path.lower().endswith(ENDINGS) and not path.rpartition("/")[2].startswith(".")


def _source(path: str) -> Source:
    name = shown(Path(path).as_posix())
    try:
        status = os.stat(path)
    except OSError:
        return Source(name, -1, -1)
    return Source(name, status.st_size, status.st_mtime_ns)
