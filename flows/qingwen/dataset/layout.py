"""What the folder of a dataset holds, by name; and the check that nothing in it leads elsewhere.

A dataset may come from someone else. So nothing of it is read or written through a link, what its state names has a
known form, and of what it holds only files that qingwen wrote are ever removed.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from qingwen.dataset.location import TEMPORARY, Location, is_local, remove
from qingwen.dataset.schema import TABLES
from qingwen.errors import SetupError

STATE, RUNS, STAGING, CARD = "_state", "_runs", "staging", "README.md"
# The review page that stands beside the tables by default.
REVIEW = "review.html"
# Tables that only runs read stand in the state.
STATE_TABLES = ("signatures",)
# The name of a run: its time and its process; and of part files: a batch's digest, or a run.
RUN = re.compile(r"\d{8}T\d{6}-\d{1,10}")
PART = re.compile(rf"[0-9a-f]{{24}}|{RUN.pattern}(?:-flagged)?")
# What lies in the staging folder: part files and what belongs to them, contexts, the survey, what is decided.
_STAGED = re.compile(
    rf"(?:{PART.pattern})(?:\.\w{{1,20}}\.tmp|\.known|\.at)?|context-[0-9a-f]{{16}}\.json|survey|final"
)
_OURS = (*(name for name in TABLES if name not in STATE_TABLES), STATE, RUNS, CARD, REVIEW)


def check_links(dataset: Location) -> None:
    """Check that a local dataset is files and folders alone, so that all that is read and written lies in its folder.

    The folder itself may be a link.

    Raises:
        SetupError: something in it is a link, a pipe or a device.
    """
    if not isinstance(dataset, Path):
        return
    for path, kind in (found for name in _OURS for found in _walk(dataset / name)):
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            what = "a link" if stat.S_ISLNK(kind) else "no file"
            raise SetupError(
                f"{path}: is {what}. A dataset holds files and folders alone: nothing is read or written through a "
                "link. Remove it, or put what it leads to in its place."
            )


def _walk(path: Path) -> Iterator[tuple[Path, int]]:
    """Yield what lies at a path and below, with its kind; no link is followed."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    yield path, kind
    if stat.S_ISDIR(kind):
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    continue
                yield from _walk(path / entry.name)


def clear_staging(staging: Location, keep: frozenset[str] = frozenset()) -> None:
    """Remove what runs staged, but for the names to keep; then the folder, if nothing else is in it."""
    for path in list(staging.iterdir()) if staging.is_dir() else ():
        if path.name not in keep and _STAGED.fullmatch(path.name):
            remove(path)
    if is_local(staging) and staging.is_dir() and not any(staging.iterdir()):
        staging.rmdir()


def remove_leftovers(dataset: Location) -> None:
    """Remove the unfinished files that a killed process left beside those that it was to replace."""
    if not isinstance(dataset, Path):
        return
    for folder in (dataset, dataset / STATE, dataset / RUNS):
        for path in list(folder.iterdir()) if folder.is_dir() else ():
            if TEMPORARY.fullmatch(path.name):
                path.unlink(missing_ok=True)
