"""WARC and WET files to items: responses, resources and conversions. The only file that imports fastwarc."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any

from qingwen.config import Config
from qingwen.model import HTML, PLAIN, Rejection
from qingwen.read.items import Item, refused
from qingwen.read.storage import open_raw

ENDINGS = (".warc", ".warc.gz", ".warc.zst", ".wet", ".wet.gz", ".wet.zst")
_GZIP, _ZSTD, _PLAIN = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"WARC/"
_END = b"\r\n\r\n"
_CHUNK = 1 << 16
_FAULTS = (OSError, ValueError, EOFError)


def read_warc(path: str, config: Config) -> Iterator[Item]:
    """Yield the pages of a WARC file; behind a damaged record reading goes on with the next that is whole."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    kinds = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion
    n = 0
    start: int | None = 0
    with open_raw(path) as raw:
        head = raw.read(len(_ZSTD))
        mark = next((mark for mark in (_GZIP, _ZSTD) if head.startswith(mark)), _PLAIN)
        while start is not None:
            raw.seek(start)
            under_way, read = start, None  # where the record that is read begins; the item of the one before
            try:
                for record in ArchiveIterator(raw, record_types=kinds, parse_http=True, auto_decode="all"):
                    if read is not None:
                        yield read
                        n += 1
                    under_way, read = record.stream_pos, None
                    read = _item(record, f"{path}#{n}", config)
                fault: Exception | None = None
            except _FAULTS as raised:
                fault = raised
            if read is None and fault is None:
                return
            # Whether the last record is whole its end tells; what broke may be the one behind it, which breaks again
            # when begun at.
            behind = _behind(raw, under_way, mark) if read is not None else None
            if read is not None and behind is not None:
                yield read
            else:
                said = f"A record at byte {under_way} is damaged: {fault or 'it is cut off'}."
                yield Item(f"{path}#{n}", refused(f"{path}#{n}", "read.damaged", said))
            n += 1
            start = None if fault is None else behind or _search(raw, under_way + 1, mark)


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
    if mark == _PLAIN:
        end = _search(raw, at + 1, mark) or raw.seek(0, os.SEEK_END)
        raw.seek(end - len(_END))
        return end if raw.read(len(_END)) == _END else None
    raw.seek(at)
    unpacker = _unpacker(mark)
    read = 0
    try:
        while not unpacker.eof:
            octets = raw.read(_CHUNK)
            if not octets:
                return None
            read += len(octets)
            unpacker.decompress(octets)
    except Exception:  # of zlib, or of zstandard
        return None
    return at + read - len(unpacker.unused_data)


def _search(raw: IO[bytes], at: int, mark: bytes) -> int | None:
    """Return where the next record begins, at a place or behind it, or None."""
    while True:
        raw.seek(at)
        octets = raw.read(_CHUNK)
        if len(octets) < len(mark):
            return None
        for found in re.finditer(re.escape(mark), octets):
            if _begins(raw, at + found.start(), mark):
                return at + found.start()
        at += len(octets) - len(mark) + 1


def _begins(raw: IO[bytes], at: int, mark: bytes) -> bool:
    """Tell whether a record begins at a place that looks so."""
    raw.seek(max(0, at - 1))
    before, octets = (raw.read(1) if at else b"\n"), raw.read(_CHUNK)
    if mark == _PLAIN:
        return before == b"\n" and octets[5:6].isdigit()
    try:
        return bytes(_unpacker(mark).decompress(octets)).startswith(_PLAIN)
    except Exception:  # of zlib, or of zstandard
        return False


def _unpacker(mark: bytes) -> Any:
    if mark == _GZIP:
        return zlib.decompressobj(wbits=31)
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj()
