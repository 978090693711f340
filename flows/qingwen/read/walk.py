"""Folders and globs to the files in them. Links are not followed out of what the user named, nor round in circles.

Nothing vanishes: a link that leads out, and a folder that may not be listed, come as paths too, and reading them says
why there is no page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

from qingwen.read.local import LINK

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
