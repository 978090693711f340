"""Where a dataset lies: a folder of this machine, or a URL that fsspec opens. The only file that imports upath.

A `Location` is used as a path of pathlib; what stores do otherwise than disks is done here.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from upath import UPath

from qingwen.read.open import check_address, is_url

Location = UPath
"""A path, local or of a store."""


def location_of(path: str | Path | Location) -> Location:
    """Return the place that a path or a URL names.

    Raises:
        SetupError: the URL is none of a store, or holds a password.
    """
    check_address(str(path))
    # What others write there must show at once.
    return UPath(path, use_listings_cache=False) if isinstance(path, str) and is_url(path) else UPath(path)


def is_local(place: Path | Location) -> bool:
    """Tell whether a place is on this machine."""
    return isinstance(place, Path)


def remove(place: Path | Location) -> None:
    """Remove a file, or a folder with all that it holds; one that is not there is no fault."""
    if isinstance(place, Path):
        shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)
    elif place.exists():
        place.fs.rm(place.path, recursive=True)


def write_whole(place: Path | Location, text: str) -> None:
    """Write a file so that a reader finds the old text or the new one: a store's objects are so by themselves."""
    if not isinstance(place, Path):
        place.write_text(text, "utf-8")
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    under_way = place.with_suffix(".tmp")
    under_way.write_text(text, "utf-8")
    under_way.replace(place)


def put(folder: Path, place: Path | Location, last: str) -> None:
    """Put a finished local folder in its place: renamed on this machine, else copied, the file ``last`` at last."""
    remove(place)
    if isinstance(place, Path):
        folder.rename(place)
        return
    for file in sorted(folder.iterdir(), key=lambda file: file.name == last):
        place.fs.put_file(str(file), (place / file.name).path)


def open_file(path: str | Path | Location) -> Any:
    """Open a file of a dataset for reading."""
    return location_of(path).open("rb")
