"""List what the user names, in a stable order: files, folders, globs and URLs."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePath

from qingwen.errors import SetupError
from qingwen.read import containers
from qingwen.read.archives import PAGE_ENDINGS
from qingwen.read.open import OUTSIDE_LINK, StoreFile, escaped_name, find_in_store, is_url
from qingwen.read.page import Source

ENDINGS = (*PAGE_ENDINGS, *containers.ENDINGS)
# A folder that holds one of these is a dataset of qingwen or anybody's Delta table: neither is read as pages.
_DATASET_MARKS = ("_state/lock", "_delta_log")
_WILDCARD = re.compile(r"[*?\[]")
_ANY_DEPTH = "**"


def list_sources(inputs: Iterable[str]) -> list[Source]:
    """Return the files that the inputs name, sorted by path, each once.

    Raises:
        SetupError: an input matches nothing; the message names it.
    """
    inputs = list(inputs)
    check_inputs(inputs)
    return sorted(dict.fromkeys(find_sources(inputs)), key=lambda source: source.path)


def check_inputs(inputs: Iterable[str]) -> None:
    """Check that each input names at least one file.

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


def find_sources(inputs: Iterable[str]) -> Iterator[Source]:
    """Yield the files that the inputs name, in no particular order; a file that two inputs name comes twice."""
    for named in inputs:
        if is_url(named):
            files = _outside_datasets(find_in_store(named))
            yield from (Source(*file) for file in files if file.path == named or _is_readable(file.path))
        else:
            yield from map(_source, _local_files(named))


def _source(path: str) -> Source:
    name = escaped_name(Path(path).as_posix())
    try:
        status = os.stat(path)
    except OSError:
        return Source(name, -1, -1)
    return Source(name, status.st_size, status.st_mtime_ns)


def _is_readable(path: str) -> bool:
    return path.lower().endswith(ENDINGS) and not path.rpartition("/")[2].startswith(".")


def _outside_datasets(files: Iterable[StoreFile]) -> Iterator[StoreFile]:
    listed = list(files)
    marked = (
        path.partition(f"/{mark}")[0] + "/" for path, _, _ in listed for mark in _DATASET_MARKS if f"/{mark}" in path
    )
    datasets = tuple(set(marked))
    return (file for file in listed if not file.path.startswith(datasets))


def _local_files(named: str) -> Iterator[str]:
    if os.path.isdir(named):
        yield from _below(named, os.path.realpath(named))
    elif os.path.lexists(named):
        yield named
    else:
        yield from _glob(named)


def _below(folder: str, root: str) -> Iterator[str]:
    """Yield the readable files below a folder, and its links that lead out of ``root``, which are not followed."""
    for where, folders, files in _walk(folder):
        if isinstance(where, OSError):
            yield str(where.filename)
            continue
        if any(os.path.exists(os.path.join(where, mark)) for mark in _DATASET_MARKS):
            folders.clear()
            continue
        for name in (*folders, *(name for name in sorted(files) if _is_readable(name))):
            path = os.path.join(where, name)
            if _leads_out(path, root):
                yield path + OUTSIDE_LINK
            elif name not in folders:
                yield path


def _walk(folder: str) -> Iterator[tuple[str | OSError, list[str], list[str]]]:
    """Walk a folder in order, without hidden folders; yield the error of each folder that cannot be listed."""
    errors: list[OSError] = []
    for where, folders, files in os.walk(folder, onerror=errors.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield where, folders, files
    yield from ((error, [], []) for error in errors if not isinstance(error, FileNotFoundError))


def _leads_out(path: str, root: str) -> bool:
    return os.path.islink(path) and not Path(os.path.realpath(path)).is_relative_to(root)


def _glob(pattern: str) -> Iterator[str]:
    """Yield the files that a glob matches, and the readable ones below the folders that it matches."""
    start, parts = split_glob(pattern)
    root = os.path.realpath(start)
    for path in _matches(start, parts, root) if parts else ():
        if not os.path.isdir(path):
            yield path
        elif not (_ANY_DEPTH in parts and os.path.islink(path)):  # ** meets the folder that a link leads to by itself
            yield from _below(path, root)


def split_glob(pattern: str, kind: type[PurePath] = PurePath) -> tuple[str, list[str]]:
    r"""Split a glob at its first wildcard: the folder to search, and the patterns of the names below it.

    >>> split_glob("pages/2023-*/a.html")
    ('pages', ['2023-*', 'a.html'])
    """
    path = kind(pattern)
    is_wild = [part != path.anchor and bool(_WILDCARD.search(part)) for part in path.parts]
    fixed = is_wild.index(True) if any(is_wild) else len(is_wild)
    return str(kind(*path.parts[:fixed])), list(path.parts[fixed:])


def _matches(folder: str, parts: Sequence[str], root: str) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if part == _ANY_DEPTH:
        for where, _, files in _walk(folder):
            if isinstance(where, OSError):
                yield str(where.filename)
            elif rest or files:
                yield from _matches(where, rest or ["*"], root)
        return
    for name in _names(folder, part):
        path = os.path.join(folder, name)
        if _leads_out(path, root):
            yield path + OUTSIDE_LINK
        elif not rest:
            yield path
        elif os.path.isdir(path):
            yield from _matches(path, rest, root)


def _names(folder: str, pattern: str) -> list[str]:
    if not _WILDCARD.search(pattern):
        return [pattern] if os.path.lexists(os.path.join(folder, pattern)) else []
    try:
        names = os.listdir(folder)
    except OSError:  # no folder, or one that the walk above it has reported
        return []
    hidden = pattern.startswith(".")
    return sorted(name for name in names if fnmatch(name, pattern) and (hidden or not name.startswith(".")))
