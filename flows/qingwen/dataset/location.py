"""The location of a dataset: a local folder, or a URL that fsspec opens. The only file that imports upath.

A `Location` is used like a path of pathlib; where stores differ from disks, these functions hide it.
"""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from upath import UPath

from qingwen.errors import SetupError
from qingwen.read.open import check_address, is_url

# delta-rs takes %20 for a space and \\ for /, and no URL for these characters; DuckDB opens no database behind a ?.
_UNUSABLE = re.compile(r"[\[\]^|\\\n?]|%[0-9A-Fa-f]{2}")

# The name of a file that is being written beside the one that it will replace.
TEMPORARY = re.compile(r"\..{1,255}\.[0-9a-f]{16}\.tmp")

T = TypeVar("T")
Location = UPath
"""A path, local or of a store."""


def location_of(path: str | Path | Location) -> Location:
    """Return the location that a path or a URL names.

    Raises:
        SetupError: the URL names no store, or holds a password.
    """
    check_address(str(path))
    # Without a cache of listings: what others write shows at once.
    return UPath(path, use_listings_cache=False) if isinstance(path, str) and is_url(path) else UPath(path)


def identity(dataset: str) -> str:
    """Return a dataset's name that no other has: the end of its path or URL, and a digest of it whole.

    >>> identity("s3://bucket/Daily News/").rpartition("-")[0]
    'daily-news'
    """
    place = dataset.rstrip("/") if is_url(dataset) else Path(os.path.realpath(dataset)).as_posix()
    name = "-".join(re.findall("[a-z0-9]+", place.rpartition("/")[2].lower())) or "dataset"
    return f"{name}-{hashlib.sha256(place.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def is_local(place: Path | Location) -> bool:
    """Tell whether a location is a local path."""
    return isinstance(place, Path)


def check_path(place: Path | Location) -> None:
    """Check that the engines of the tables can open what stands at a path.

    Raises:
        SetupError: the path, with its links followed, holds a character that they take for another.
    """
    real = Path(os.path.realpath(place)).as_posix() if isinstance(place, Path) else ""
    wrong = _UNUSABLE.search(real)
    if wrong:
        raise SetupError(f"{place}: no dataset can stand below a folder with {wrong[0]!r} in its name; rename it.")


def remove(place: Path | Location) -> None:
    """Remove a file, or a folder with its contents, if it exists; of a link the link alone."""
    if isinstance(place, Path):
        is_folder = place.is_dir() and not place.is_symlink()
        shutil.rmtree(place, ignore_errors=True) if is_folder else place.unlink(missing_ok=True)
    elif place.exists():
        place.fs.rm(place.path, recursive=True)


def write_whole(place: Path | Location, content: str | bytes) -> None:
    """Write a file atomically: a reader finds the old content or the new, even after a power cut.

    It is a new file under a name that nobody can guess, renamed: no link at the place is followed. A store's objects
    always are atomic.
    """
    octets = content.encode() if isinstance(content, str) else content
    if not isinstance(place, Path):
        place.write_bytes(octets)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}.{secrets.token_hex(8)}.tmp")
    try:
        with unfinished.open("xb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place)
    finally:
        unfinished.unlink(missing_ok=True)
    sync(place.parent)


def sync(*places: Path | Location) -> None:
    """Bring files, or the names in folders, to the disk; a store keeps what it took."""
    for place in places:
        if isinstance(place, Path) and (os.name != "nt" or place.is_file()):
            number = os.open(place, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


def read_state(place: Location, parse: Callable[[bytes], T], what_to_do: str) -> T | None:
    """Return what a file of a dataset's state says; None where there is no such file.

    Raises:
        SetupError: it cannot be parsed: it was cut off, or changed by hand. The message ends in ``what_to_do``.
    """
    try:
        return parse(place.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, IsADirectoryError) as fault:
        raise SetupError(f"{place}: is damaged ({type(fault).__name__}). {what_to_do}") from fault


def put(folder: Path, place: Path | Location, last: str) -> None:
    """Move a finished local folder to its location: by renaming, or file by file to a store, the file ``last`` last."""
    remove(place)
    if isinstance(place, Path):
        sync(*folder.iterdir(), folder)
        folder.rename(place)
        sync(place.parent)
        return
    for file in sorted(folder.iterdir(), key=lambda file: file.name == last):
        place.fs.put_file(str(file), (place / file.name).path)


def open_file(path: str | Path | Location) -> Any:
    """Open a file of a dataset for reading."""
    return location_of(path).open("rb")
