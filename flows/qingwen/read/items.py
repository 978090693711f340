"""What a file holds, page by page: one page, or the members and rows of a container, streamed.

A `source_path` names container and item: ``file!member`` of an archive, ``file#n`` of a WARC's records and a table's
rows (n from 0). What is damaged rejects itself, and the rest of its container goes on where the format allows it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from qingwen.config import Config
from qingwen.model import Rejection
from qingwen.read.encoding import REPLACEMENT

_LONE = re.compile("[\ud800-\udfff]")
# Details quote what a page or its container says of itself.
_LONGEST_DETAIL = 1_000

# The rule of what may be read another time: its path is pending.
UNAVAILABLE = "read.unavailable"
_PASSING = frozenset(
    getattr(errno, name)
    for name in "EACCES EPERM ENOENT EIO ESTALE ETIMEDOUT ENOMEM EMFILE ENFILE EBUSY ENODEV ENOTCONN ECONNRESET".split()
)


@dataclass(frozen=True, slots=True)
class Item:
    """One page as it lies: its bytes after unpacking, or why there are none; and what its container says of it.

    ``media_type`` is None where the container does not say; ``charset`` is what it declares.
    """

    path: str
    octets: bytes | Rejection
    url: str | None = None
    fetched_at: datetime | None = None
    media_type: str | None = None
    charset: str | None = None

    @property
    def page_id(self) -> str:
        """Return the id of the page: of its bytes or, where there are none, of what stands for them."""
        return self.octets.page_id if isinstance(self.octets, Rejection) else page_id(self.octets)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read: its path as the user gave it (POSIX), its size in bytes and its time of change in nanoseconds.

    Size and time are -1 where the file cannot be looked at; reading it will say why.
    """

    path: str
    size: int
    modified: int


Reader = Callable[[str, Config], Iterator[Item]]


def page_id(octets: bytes) -> str:
    """Return the id of a page: the first 32 hex digits of the SHA-256 of its bytes.

    >>> page_id(b"")
    'e3b0c44298fc1c149afbf4c8996fb924'
    """
    return hashlib.sha256(octets).hexdigest()[:32]


def refused(path: str, rule: str, detail: str, octets: bytes | None = None) -> Rejection:
    """Return the rejection of an item at reading; without its bytes it is known by its path."""
    name = page_id(f"unreadable:{path}".encode(errors="surrogateescape") if octets is None else octets)
    return Rejection(name, path, "read", rule, whole(detail)[:_LONGEST_DETAIL])


def whole(text: str) -> str:
    """Return a text without lone surrogates, which JSON can hold and UTF-8 cannot.

    >>> whole("\\ud800")
    '\ufffd'
    """
    return _LONE.sub(REPLACEMENT, text)


def is_passing(fault: BaseException) -> bool:
    """Tell whether a fault is the machine's, not the file's: no permission, gone away, a disk that fails."""
    # Stores raise them without a number.
    named = isinstance(fault, FileNotFoundError | PermissionError | TimeoutError | ConnectionError)
    return named or (isinstance(fault, OSError) and fault.errno in _PASSING)


def raise_passing(fault: BaseException) -> None:
    """Raise a fault of the machine again, which is no damage of what is read: it `is_passing`, or of memory."""
    if is_passing(fault) or isinstance(fault, MemoryError):
        raise fault


def unreadable(path: str, fault: OSError, octets: bytes | None = None) -> Rejection:
    """Return the rejection of a file that cannot be opened or read."""
    rule = UNAVAILABLE if is_passing(fault) else "read.unreadable"
    # gzip.BadGzipFile and those of our own are without a number.
    reason = os.strerror(fault.errno) if fault.errno else str(fault)
    return refused(path, rule, f"The file cannot be read: {reason}.", octets)
