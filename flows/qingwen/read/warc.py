"""WARC and WET files to items: responses, resources and conversions. The only file that imports fastwarc."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import IO, Any

from qingwen.config import Config
from qingwen.model import HTML, PLAIN, Rejection
from qingwen.read.open import FREE_BYTES, MOST_TIMES, open_raw
from qingwen.read.page import Item, raise_passing, refused

ENDINGS = (".warc", ".warc.gz", ".warc.zst", ".wet", ".wet.gz", ".wet.zst")
_GZIP, _ZSTD, _PLAIN = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"WARC/"
# How a record begins: packed, or its first two lines.
_BEGINS = {
    _GZIP: re.compile(re.escape(_GZIP)),
    _ZSTD: re.compile(re.escape(_ZSTD)),
    _PLAIN: re.compile(rb"WARC/\d\.\d{1,3}\r?\n[A-Za-z-]{1,40}:"),
}
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.I | re.M)
_END = b"\r\n\r\n"
_CHUNK = 1 << 16
# 512 bytes of Zstandard may stand for 16 MB, which its unpacker gives at once.
_PIECE = {_GZIP: _CHUNK, _ZSTD: 512}
_FAULTS = (OSError, ValueError, EOFError)
# Each costs a search for the next record; where so many are damaged, or so much looks like a record and is none, it was
# made to.
_MOST_DAMAGED, _MOST_MARKS = 1_000, 100_000


def read_warc(path: str, config: Config) -> Iterator[Item]:
    """Yield the pages of a WARC file; behind a damaged record reading goes on with the next that is whole."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    kinds = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion
    n = damaged = unpacked = 0
    start: int | None = 0
    with open_raw(path) as raw:
        head = raw.read(len(_ZSTD))
        mark = next((mark for mark in (_GZIP, _ZSTD) if head.startswith(mark)), _PLAIN)
        while start is not None and damaged < _MOST_DAMAGED:
            raw.seek(start)
            under_way, read = start, None  # where the record that is read begins; the item of the one before
            try:
                for record in ArchiveIterator(raw, record_types=kinds, parse_http=True, auto_decode="all"):
                    if read is not None:
                        yield read
                        n += 1
                    under_way, read = record.stream_pos, None
                    unpacked = _added(unpacked, record.content_length, raw.tell(), mark)
                    read = _item(record, f"{path}#{n}", config)
                fault: Exception | None = None
            except _FAULTS as raised:
                raise_passing(raised)
                fault = raised
            if read is None and fault is None:
                return
            # Whether the last record is whole its end tells; what broke may be the one behind it, which breaks again
            # when begun at.
            behind = _behind(raw, under_way, mark) if read is not None else None
            if read is not None and behind is not None:
                yield read
                start = behind if fault is not None else None
            else:
                said = f"A record at byte {under_way} is damaged: {fault or 'it is cut off'}."
                yield Item(f"{path}#{n}", refused(f"{path}#{n}", "read.damaged", said))
                start = _search(raw, under_way + 1, mark)
                damaged += 1
            n += 1
        if start is not None:
            said = f"From byte {start} on nothing is read: {damaged} records are damaged."
            yield Item(f"{path}#{n}", refused(f"{path}#{n}", "read.damaged", said))


def _added(unpacked: int, size: int, read: int, mark: bytes) -> int:
    """Return what a file has unpacked to with one more record, which the reader would have to skip.

    Raises:
        OSError: so much out of so little is a bomb.
    """
    if mark == _PLAIN:
        return unpacked
    if unpacked + size > FREE_BYTES + MOST_TIMES * read:
        raise OSError(f"it unpacks to more than {MOST_TIMES} times its size")
    return unpacked + size


def _item(record: Any, path: str, config: Config) -> Item:
    url, fetched_at = record.headers.get("WARC-Target-URI"), record.record_date
    if record.is_http:
        status, kind, charset = record.http_headers.status_code, record.http_content_type, record.http_charset
        if status is not None and not 200 <= status < 300:
            return Item(path, refused(path, "read.http-status", f"The server answered {status}."), url, fetched_at)
    else:
        kind, charset = (record.headers.get("Content-Type") or "").partition(";")[0].strip(), None
    if kind and not (kind.startswith("text/") or "html" in kind or "xml" in kind):
        return Item(path, refused(path, "read.binary", f"The server sent {kind}, no text."), url, fetched_at)
    media_type = HTML if kind and "html" in kind else PLAIN if kind == PLAIN else None
    limit = config.max_page_bytes
    octets: bytes | Rejection = record.reader.read(limit + 1)
    if len(octets) > limit:  # type: ignore[arg-type]
        octets = refused(path, "read.too-large", f"The page has more than {limit} bytes (max_page_bytes).")
    return Item(path, octets, url, fetched_at, media_type, charset)


def _behind(raw: IO[bytes], at: int, mark: bytes) -> int | None:
    """Return where a record ends, or None: it is not whole."""
    raw.seek(at)
    if mark == _PLAIN:
        head, ended, _ = raw.read(_CHUNK).partition(_END)
        stated = _LENGTH.search(head)
        if not (ended and stated):
            return None
        raw.seek(at + len(head) + len(_END) + int(stated[1]))
        return raw.tell() if raw.read(len(_END)) == _END else None
    if raw.read(len(mark)) != mark:
        at = 0  # not record by record: the whole file was packed as one, and is whole or not
    raw.seek(at)
    unpacker = _unpacker(mark)
    read = unpacked = 0
    try:
        while not unpacker.eof:
            octets = raw.read(_PIECE[mark])
            if not octets:
                return None
            read += len(octets)
            unpacked += _unpack(unpacker, octets, mark)
            if unpacked > FREE_BYTES + MOST_TIMES * read:
                return None
    except Exception:  # of zlib, or of zstandard
        return None
    return at + read - len(unpacker.unused_data)


def _unpack(unpacker: Any, octets: bytes, mark: bytes) -> int:
    """Unpack some octets, never much at once; return how many they give."""
    if mark == _ZSTD:
        return len(unpacker.decompress(octets))
    size = 0
    while True:
        given = len(unpacker.decompress(octets, _CHUNK))
        size += given
        octets = unpacker.unconsumed_tail
        if unpacker.eof or not (octets or given == _CHUNK):
            return size


def _search(raw: IO[bytes], at: int, mark: bytes) -> int | None:
    """Return where the next record begins, at a place or behind it, or None."""
    marks = 0
    while marks < _MOST_MARKS:
        raw.seek(at)
        octets = raw.read(2 * _CHUNK)
        for found in _BEGINS[mark].finditer(octets):
            if found.start() >= _CHUNK:
                break
            if mark == _PLAIN or _begins(octets[found.start() : found.start() + _CHUNK], mark):
                return at + found.start()
            marks += 1
        if len(octets) <= _CHUNK:
            return None
        at += _CHUNK
    return None


def _begins(octets: bytes, mark: bytes) -> bool:
    """Tell whether packed octets begin as a record does."""
    try:
        if mark == _GZIP:
            return zlib.decompressobj(wbits=31).decompress(octets, len(_PLAIN)) == _PLAIN
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(octets).read(len(_PLAIN)) == _PLAIN
    except Exception:  # of zlib, or of zstandard
        return False


def _unpacker(mark: bytes) -> Any:
    if mark == _GZIP:
        return zlib.decompressobj(wbits=31)
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj()
