"""Read one page: its bytes (unpacked), its id, its text. A page that cannot be read is a rejection that says why."""

import errno
import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from qingwen.config import Config
from qingwen.model import HTML, PLAIN, Page, Rejection
from qingwen.read.encoding import REPLACEMENT, decode
from qingwen.read.open import open_raw, open_unpacked
from qingwen.text.addresses import without_secrets

# The rule of what cannot be read now, and may be read by a later run: its path is pending.
UNAVAILABLE = "read.unavailable"

_SURROGATE = re.compile("[\ud800-\udfff]")
# Details quote what a page or its container says of itself.
_MAX_DETAIL_CHARS = 1_000
_TEMPORARY = frozenset(
    getattr(errno, name)
    for name in "EACCES EPERM ENOENT EIO ESTALE ETIMEDOUT ENOMEM EMFILE ENFILE EBUSY ENODEV ENOTCONN ECONNRESET".split()
)
# How markup begins, and the tags that lay out a page.
_XML, _DOCTYPE = re.compile(r"<\?xml\b", re.I), re.compile(r"<!doctype\b", re.I)
_TAG = re.compile(r"<!--|</?[a-z][a-z0-9:-]{0,40}[\s/>]", re.I)
_LAYOUT_TAG = re.compile(
    "</?(?:address|article|aside|base|blockquote|body|br|center|dd|div|dl|dt|figure|footer|form|h[1-6]|head|header|hr|"
    r"html|li|link|main|meta|nav|noscript|ol|p|pre|script|section|style|table|tbody|td|th|title|tr|ul)[\s/>]",
    re.I,
)
# How files begin that are not text.
_BINARY = (
    b"%PDF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x7fELF", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b",
)  # fmt: skip
# A stray zero byte is damage; a text with more of them is not text.
_MAX_ZERO_SHARE = 0.001
# A file that cannot be a page is known by its first 256 MiB.
_HASHED_CHUNK, _MAX_HASHED_CHUNKS = 1 << 20, 1 << 8


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page before decoding: its unpacked bytes, or why it has no bytes, and what its container says of it.

    ``media_type`` is None if the container does not say; ``charset`` is the encoding that it declares. ``stated`` holds
    what a row states of the article, by the keys of `Page.stated`. Of a ``url`` what gives access is left out.
    """

    path: str
    octets: bytes | Rejection
    url: str | None = None
    fetched_at: datetime | None = None
    media_type: str | None = None
    charset: str | None = None
    stated: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.url is not None:
            object.__setattr__(self, "url", without_secrets(self.url))

    @property
    def page_id(self) -> str:
        """Return the id of the page, or of the rejection in its place."""
        return self.octets.page_id if isinstance(self.octets, Rejection) else page_id(self.octets)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read: its path as the user gave it (POSIX), its size in bytes and its time of change in nanoseconds.

    Size and time are -1 if they are unknown; reading the file says why.
    """

    path: str
    size: int
    modified: int


Reader = Callable[[str, Config], Iterator[RawPage]]


def page_id(octets: bytes) -> str:
    """Return the id of a page: the first 32 hex digits of the SHA-256 of its bytes.

    >>> page_id(b"")
    'e3b0c44298fc1c149afbf4c8996fb924'
    """
    return hashlib.sha256(octets).hexdigest()[:32]


def rejection(path: str, rule: str, detail: str, octets: bytes | None = None) -> Rejection:
    """Return the rejection of a page at reading; without its bytes it is known by its path."""
    key = f"unreadable:{path}".encode(errors="surrogateescape") if octets is None else octets
    return Rejection(page_id(key), path, "read", rule, without_surrogates(detail)[:_MAX_DETAIL_CHARS])


def rejected(path: str, rule: str, detail: str, octets: bytes | None = None) -> RawPage:
    """Return a page of a container that is a `rejection`."""
    return RawPage(path, rejection(path, rule, detail, octets))


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON can hold and UTF-8 cannot.

    >>> without_surrogates("\\ud800")
    '\ufffd'
    """
    return _SURROGATE.sub(REPLACEMENT, text)


def is_temporary(fault: BaseException) -> bool:
    """Tell whether a fault is the machine's, not the file's: no permission, file gone, failing disk."""
    # Stores raise these without a number.
    of_kind = isinstance(fault, FileNotFoundError | PermissionError | TimeoutError | ConnectionError)
    return of_kind or (isinstance(fault, OSError) and fault.errno in _TEMPORARY)


def raise_temporary(fault: BaseException) -> None:
    """Raise a fault of the machine again: one that `is_temporary`, or of memory. It is no damage of the file."""
    if is_temporary(fault) or isinstance(fault, MemoryError):
        raise fault


def unreadable(path: str, fault: OSError) -> Rejection:
    """Return the rejection of a file that cannot be opened or read."""
    rule = UNAVAILABLE if is_temporary(fault) else "read.unreadable"
    # gzip.BadGzipFile and our own errors have no number.
    reason = os.strerror(fault.errno) if fault.errno else str(fault)
    return rejection(path, rule, f"The file cannot be read: {reason}.")


def read_bytes(path: str, config: Config) -> bytes | Rejection:
    """Return a file's unpacked bytes, or the rejection of a file that cannot be read or is too large."""
    limit = config.max_page_bytes
    try:
        with open_unpacked(path) as file:
            octets = file.read(limit + 1)
    except OSError as fault:
        found = unreadable(path, fault)
        return _rejected_file(path, found.rule, found.detail)
    except (EOFError, zlib.error) as fault:
        return _rejected_file(path, "read.unreadable", f"The gzip stream is broken: {fault}.")
    if len(octets) > limit:
        return _rejected_file(path, "read.too-large", f"The page has more than {limit} bytes (max_page_bytes).")
    return octets


def page_of(raw: RawPage, config: Config, url: str | None = None) -> Page | Rejection:
    """Decode a page, or return the rejection that says why not; ``url`` overrides the container's.

    The media type follows from what the container says, the ending of the path and the content. A byte-order mark
    overrides the container's charset.
    """
    octets, path = raw.octets, raw.path
    if isinstance(octets, Rejection):
        return octets
    if not octets.strip():
        return rejection(path, "read.empty", f"The page is empty ({len(octets)} bytes).", octets)
    if octets.startswith(_BINARY):
        return rejection(path, "read.binary", "The bytes are those of a binary format, not of text.", octets)
    decoded = decode(octets, raw.charset)
    if len(decoded.text) > config.max_page_chars:
        detail = f"The page has {len(decoded.text)} characters, more than max_page_chars ({config.max_page_chars})."
        return rejection(path, "read.too-large", detail, octets)
    zeros = decoded.text.count("\0")
    if zeros > _MAX_ZERO_SHARE * len(decoded.text):
        return rejection(path, "read.binary", f"The text holds {zeros} zero bytes: no text.", octets)
    sha256, url = hashlib.sha256(octets).hexdigest(), url or raw.url or _url(path, config)
    return Page(
        id=sha256[:32],
        source_path=path,
        url=url and without_secrets(url),
        media_type=raw.media_type or _media_type(path, decoded.text),
        encoding=decoded.encoding,
        text=decoded.text,
        sha256=sha256,
        size=len(octets),
        damaged=decoded.damaged,
        fetched_at=raw.fetched_at,
        stated=raw.stated,
    )


def read_page(path: str, config: Config, url: str | None = None) -> Page | Rejection:
    """Return the page in a file, or the rejection that says why it has no page; ``url`` is its address."""
    return page_of(RawPage(path, read_bytes(path, config), url), config)


def _media_type(path: str, text: str) -> str:
    name = path.lower().removesuffix(".gz")
    if name.endswith((".html", ".htm")):
        return HTML
    return HTML if is_markup(text) else PLAIN


def is_markup(text: str) -> bool:
    """Tell whether a page's text is HTML: it begins with a doctype, or with a tag or a comment and is laid out by tags.

    A dump may begin with a stray inline tag: its lines would be lost as HTML.

    >>> is_markup("<!-- 1 --><div>甲</div>"), is_markup("<b>甲</b>\\n乙"), is_markup("<甲> 乙")
    (True, False, False)
    """
    text = text.lstrip("\ufeff\0 \t\r\n")
    if text[:1] != "<":
        return False
    if _XML.match(text):
        return "<html" in text[:4000].lower()
    return bool(_DOCTYPE.match(text) or (_TAG.match(text) and _LAYOUT_TAG.search(text)))


def _url(path: str, config: Config) -> str | None:
    return None if config.url_prefix is None else config.url_prefix.rstrip("/") + "/" + path.lstrip("./")


def _rejected_file(path: str, rule: str, detail: str) -> Rejection:
    # The file is too large to hold: its id is the digest of its beginning, or of its path if it cannot be read.
    digest = hashlib.sha256()
    try:
        with open_raw(path) as file:
            for _ in range(_MAX_HASHED_CHUNKS):
                if not (chunk := file.read(_HASHED_CHUNK)):
                    break
                digest.update(chunk)
    except OSError:
        digest.update(f"unreadable:{path}".encode())
    return Rejection(digest.hexdigest()[:32], path, "read", rule, detail)
