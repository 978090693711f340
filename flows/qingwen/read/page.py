"""A file to a page: its bytes (unpacked), its id, its text. What cannot be read is a rejection that says why."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from qingwen.config import Config
from qingwen.model import HTML, PLAIN, Page, Rejection
from qingwen.read.encoding import REPLACEMENT, decode
from qingwen.read.open import open_raw, open_unpacked

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


_MAGIC = (b"%PDF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x7fELF", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")

# A stray zero byte is damage; more of them are no text.
_MAX_ZERO_SHARE = 0.001

_CHUNK, _MOST_CHUNKS = 1 << 20, 1 << 8


def read_bytes(path: str, config: Config) -> bytes | Rejection:
    """Return a file's bytes after unpacking, or the rejection of one that cannot be read, is empty or too large."""
    limit = config.max_page_bytes
    try:
        with open_unpacked(path) as file:
            octets = file.read(limit + 1)
    except OSError as fault:
        said = unreadable(path, fault)
        return _refused(path, said.rule, said.detail)
    except (EOFError, zlib.error) as fault:
        return _refused(path, "read.unreadable", f"The gzip stream is broken: {fault}.")
    if len(octets) > limit:
        return _refused(path, "read.too-large", f"The page has more than {limit} bytes (max_page_bytes).")
    if not octets.strip():
        return Rejection(page_id(octets), path, "read", "read.empty", f"The page is empty ({len(octets)} bytes).")
    return octets


def to_page(
    octets: bytes,
    path: str,
    config: Config,
    *,
    url: str | None = None,
    fetched_at: datetime | None = None,
    media_type: str | None = None,
    charset: str | None = None,
) -> Page | Rejection:
    """Return the page that some bytes are: decoded, with its media type by content and by the path's ending.

    ``media_type`` and ``charset`` are what the page's container says of it; the bytes' own signs go before a charset.
    """
    name = page_id(octets)
    if not octets.strip():
        return Rejection(name, path, "read", "read.empty", f"The page is empty ({len(octets)} bytes).")
    if octets.startswith(_MAGIC):
        return Rejection(name, path, "read", "read.binary", "The bytes are those of a binary format, not of text.")
    decoded = decode(octets, charset)
    if len(decoded.text) > config.max_page_chars:
        said = f"The page has {len(decoded.text)} characters, more than max_page_chars ({config.max_page_chars})."
        return Rejection(name, path, "read", "read.too-large", said)
    zeros = decoded.text.count("\0")
    if zeros > _MAX_ZERO_SHARE * len(decoded.text):
        return Rejection(name, path, "read", "read.binary", f"The text holds {zeros} zero bytes: no text.")
    return Page(
        id=name,
        source_path=path,
        url=url if url is not None else _url(path, config),
        media_type=media_type or _media_type(path, decoded.text),
        encoding=decoded.encoding,
        text=decoded.text,
        sha256=hashlib.sha256(octets).hexdigest(),
        size=len(octets),
        damaged=decoded.damaged,
        fetched_at=fetched_at,
    )


def page_of(item: Item, config: Config, url: str | None = None) -> Page | Rejection:
    """Return the page that an item is, or the rejection that says why it is none; ``url`` goes before the item's."""
    octets = item.octets
    if isinstance(octets, Rejection):
        return octets
    return to_page(
        octets,
        item.path,
        config,
        url=url or item.url,
        fetched_at=item.fetched_at,
        media_type=item.media_type,
        charset=item.charset,
    )


def read_page(path: str, config: Config, url: str | None = None) -> Page | Rejection:
    """Return the page in a file, or the rejection that says why there is none; ``url`` is where it came from."""
    octets = read_bytes(path, config)
    return octets if isinstance(octets, Rejection) else to_page(octets, path, config, url=url)


def _media_type(path: str, text: str) -> str:
    name = path.lower().removesuffix(".gz")
    if name.endswith((".html", ".htm")):
        return HTML
    return HTML if is_markup(text) else PLAIN


def is_markup(text: str) -> bool:
    """Tell whether a page's text is HTML, by how it begins."""
    head = text[:400].lstrip("\ufeff \t\r\n").lower()
    return head.startswith(("<!doctype html", "<html", "<?xml")) and "<html" in text[:4000].lower()


def _url(path: str, config: Config) -> str | None:
    return None if config.url_prefix is None else config.url_prefix.rstrip("/") + "/" + path.lstrip("./")


def _refused(path: str, rule: str, detail: str) -> Rejection:
    # Without its bytes a file is known by its path, or by what can be hashed of it without holding it; a sparse file of
    # terabytes by its beginning.
    digest = hashlib.sha256()
    try:
        with open_raw(path) as file:
            for _ in range(_MOST_CHUNKS):
                if not (chunk := file.read(_CHUNK)):
                    break
                digest.update(chunk)
    except OSError:
        digest.update(f"unreadable:{path}".encode())
    return Rejection(digest.hexdigest()[:32], path, "read", rule, detail)
