"""What the user named, as a list of files: files, folders and globs, in a stable order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from qingwen.errors import SetupError
from qingwen.read import containers
from qingwen.read.addresses import is_url
from qingwen.read.archives import PAGE_ENDINGS
from qingwen.read.items import Source
from qingwen.read.local import shown
from qingwen.read.storage import Found, find
from qingwen.read.walk import DATASET, expand, walk

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
