"""Read the pages of WARC and WET files: responses, resources and conversions. The only file that imports fastwarc.

FastWARC ends without an error where a file is cut off, and stops at a damaged record. So the end of its iterator is not
taken for the end of the file: the last record must be whole, and behind a damaged one reading resumes at the next that
looks like a record.
"""

import re
import zlib
from collections.abc import Iterator
from typing import IO, Any

from qingwen.config import Config
from qingwen.model import HTML, PLAIN
from qingwen.read.open import BOMB, FREE_DECOMPRESSED_BYTES, MAX_DECOMPRESSION_RATIO, open_raw
from qingwen.read.page import RawPage, raise_temporary, rejected, rejection

ENDINGS = (".warc", ".warc.gz", ".warc.zst", ".wet", ".wet.gz", ".wet.zst")
_GZIP, _ZSTD, _PLAIN = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"WARC/"
# How a record begins: packed, or with its first two lines.
_RECORD_START = {
    _GZIP: re.compile(re.escape(_GZIP)),
    _ZSTD: re.compile(re.escape(_ZSTD)),
    _PLAIN: re.compile(rb"WARC/\d\.\d{1,3}\r?\n[A-Za-z-]{1,40}:"),
}
_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.I | re.M)
_BLANK_LINE = b"\r\n\r\n"
_CHUNK = 1 << 16
# 512 bytes of Zstandard may hold 16 MB, which its unpacker returns at once.
_PACKED_CHUNK = {_GZIP: _CHUNK, _ZSTD: 512}
# Each damaged record, and each place that only looks like a record, costs a search. Files with more are hostile.
_MAX_DAMAGED_RECORDS, _MAX_FALSE_STARTS = 1_000, 100_000


def read_warc(path: str, config: Config) -> Iterator[RawPage]:
    """Yield the pages of a WARC file; a damaged record is a rejection, and reading goes on with the next whole one."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    kinds = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion
    n = damaged = unpacked = 0
    start: int | None = 0
    with open_raw(path) as raw:
        head = raw.read(len(_ZSTD))
        packing = next((magic for magic in (_GZIP, _ZSTD) if head.startswith(magic)), _PLAIN)
        while start is not None and damaged < _MAX_DAMAGED_RECORDS:
            raw.seek(start)
            position, page, fault = start, None, None  # of the record that is being read; a next one proves it whole
            try:
                for record in ArchiveIterator(raw, record_types=kinds, parse_http=True, auto_decode="all"):
                    if page is not None:
                        yield page
                        n += 1
                    position, page = record.stream_pos, None
                    size = unpacked + record.content_length
                    if packing != _PLAIN and _is_bomb(size, raw.tell()):
                        raise OSError(BOMB)
                    unpacked = size
                    page = _page(record, f"{path}#{n}", config)
            except (OSError, ValueError, EOFError) as raised:
                raise_temporary(raised)
                fault = raised
            if page is None and fault is None:
                return
            end = None if page is None else _end_of_record(raw, position, packing)
            if page is not None and end is not None:  # whole: the fault is the next record's
                yield page
                start = None if fault is None else end
            else:
                detail = f"A record at byte {position} is damaged: {fault or 'it is cut off'}."
                yield rejected(f"{path}#{n}", "read.damaged", detail)
                start = _next_record(raw, position + 1, packing)
                damaged += 1
            n += 1
        if start is not None:
            detail = f"From byte {start} on nothing is read: {damaged} records are damaged."
            yield rejected(f"{path}#{n}", "read.damaged", detail)


def _is_bomb(unpacked: int, read: int) -> bool:
    return unpacked > FREE_DECOMPRESSED_BYTES + MAX_DECOMPRESSION_RATIO * read


def _page(record: Any, path: str, config: Config) -> RawPage:
    url, fetched_at = record.headers.get("WARC-Target-URI"), record.record_date

    def no_page(rule: str, detail: str) -> RawPage:
        return RawPage(path, rejection(path, rule, detail), url, fetched_at)

    if record.is_http:
        status, kind, charset = record.http_headers.status_code, record.http_content_type, record.http_charset
        if status is not None and not 200 <= status < 300:
            return no_page("read.http-status", f"The server answered {status}.")
    else:
        kind, charset = (record.headers.get("Content-Type") or "").partition(";")[0].strip(), None
    if kind and not (kind.startswith("text/") or "html" in kind or "xml" in kind):
        return no_page("read.binary", f"The server sent {kind}, no text.")
    media_type = HTML if kind and "html" in kind else PLAIN if kind == PLAIN else None
    limit = config.max_page_bytes
    octets: bytes = record.reader.read(limit + 1)
    if len(octets) > limit:
        return no_page("read.too-large", f"The page has more than {limit} bytes (max_page_bytes).")
    return RawPage(path, octets, url, fetched_at, media_type, charset)


def _end_of_record(raw: IO[bytes], start: int, packing: bytes) -> int | None:
    """Return where a record ends, or None if it is not whole."""
    raw.seek(start)
    if packing == _PLAIN:
        head, blank, _ = raw.read(_CHUNK).partition(_BLANK_LINE)
        length = _CONTENT_LENGTH.search(head)
        if not (blank and length):
            return None
        raw.seek(start + len(head) + len(_BLANK_LINE) + int(length[1]))
        return raw.tell() if raw.read(len(_BLANK_LINE)) == _BLANK_LINE else None
    if raw.read(len(packing)) != packing:
        start = 0  # the file was packed as one, not record by record: it is whole or not
    raw.seek(start)
    unpacker = _unpacker(packing)
    read = unpacked = 0
    try:
        while not unpacker.eof:
            octets = raw.read(_PACKED_CHUNK[packing])
            read += len(octets)
            unpacked += _unpacked_size(unpacker, octets, packing)
            if not octets or _is_bomb(unpacked, read):
                return None
    except Exception:  # of zlib or zstandard
        return None
    return start + read - len(unpacker.unused_data)


def _unpacker(packing: bytes) -> Any:
    if packing == _GZIP:
        return zlib.decompressobj(wbits=31)
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj()


def _unpacked_size(unpacker: Any, octets: bytes, packing: bytes) -> int:
    """Unpack some octets, never much at once; return the size of what they give."""
    if packing == _ZSTD:
        return len(unpacker.decompress(octets))
    size = 0
    while True:
        given = len(unpacker.decompress(octets, _CHUNK))
        size += given
        octets = unpacker.unconsumed_tail
        if unpacker.eof or not (octets or given == _CHUNK):
            return size


def _next_record(raw: IO[bytes], position: int, packing: bytes) -> int | None:
    """Return where the next record begins, at a position or behind it, or None."""
    false_starts = 0
    while false_starts < _MAX_FALSE_STARTS:
        raw.seek(position)
        octets = raw.read(2 * _CHUNK)
        for start in (match.start() for match in _RECORD_START[packing].finditer(octets)):
            if start >= _CHUNK:
                break
            if packing == _PLAIN or _unpacks_to_record(octets[start : start + _CHUNK], packing):
                return position + start
            false_starts += 1
        if len(octets) <= _CHUNK:
            return None
        position += _CHUNK
    return None


def _unpacks_to_record(octets: bytes, packing: bytes) -> bool:
    try:
        if packing == _GZIP:
            return zlib.decompressobj(wbits=31).decompress(octets, len(_PLAIN)) == _PLAIN
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(octets).read(len(_PLAIN)) == _PLAIN
    except Exception:  # of zlib or zstandard
        return False
