"""Read the pages of WARC and WET files: responses, resources and conversions. The only file that imports fastwarc.

FastWARC ends without an error where a file is cut off, and stops at a damaged record. So the end of its iterator is not
taken for the end of the file: the last record must be whole, and reading resumes behind it, or behind a damaged one at
the next that looks like a record. Bodies are decoded here: FastWARC stops behind one that is chunked and packed.
"""

import io
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
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
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r?\n")
_BLANK_LINE, _BLANK = b"\r\n\r\n", b"\r\n\t \0"
# What unpacking a body raises.
_BROKEN = (EOFError, OSError, zlib.error)
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
        size = raw.seek(0, io.SEEK_END)
        raw.seek(0)
        head = raw.read(len(_ZSTD))
        packing = next((magic for magic in (_GZIP, _ZSTD) if head.startswith(magic)), _PLAIN)
        while start is not None and damaged < _MAX_DAMAGED_RECORDS and not _is_end(raw, start, size):
            raw.seek(start)
            # Of the record that is being read; a next one proves it whole.
            position, page, is_read, fault = start, None, False, None
            try:
                for record in ArchiveIterator(raw, parse_http=False):
                    if page is not None:
                        yield page
                        n += 1
                    position, page, is_read = record.stream_pos, None, False
                    length = unpacked + record.content_length
                    if packing != _PLAIN and _is_bomb(length, raw.tell()):
                        raise OSError(BOMB)
                    unpacked = length
                    if record.record_type & kinds:
                        page = _page(record, f"{path}#{n}", config)
                    is_read = True
            except (OSError, ValueError, EOFError) as raised:
                raise_temporary(raised)
                fault = raised
            end = _end_of_record(raw, position, packing, size) if is_read else None
            if end is not None:  # whole: the fault is the next record's
                if page is not None:
                    yield page
                    n += 1
                start = end
                continue
            why = fault or ("it is cut off" if is_read else "it does not begin as a record does")
            yield rejected(f"{path}#{n}", "read.damaged", f"A record at byte {position} is damaged: {why}.")
            n += 1
            start = _next_record(raw, position + 1, packing)
            damaged += 1
        if start is not None and damaged == _MAX_DAMAGED_RECORDS:
            detail = f"From byte {start} on nothing is read: {damaged} records are damaged."
            yield rejected(f"{path}#{n}", "read.damaged", detail)


def _is_end(raw: IO[bytes], position: int, size: int) -> bool:
    """Tell whether nothing but white space follows."""
    raw.seek(position)
    return size - position <= _CHUNK and not raw.read(_CHUNK).strip(_BLANK)


def _is_bomb(unpacked: int, read: int) -> bool:
    return unpacked > FREE_DECOMPRESSED_BYTES + MAX_DECOMPRESSION_RATIO * read


def _page(record: Any, path: str, config: Config) -> RawPage:
    url, fetched_at = record.headers.get("WARC-Target-URI"), record.record_date

    def no_page(rule: str, detail: str) -> RawPage:
        return RawPage(path, rejection(path, rule, detail), url, fetched_at)

    if record.is_http:
        record.parse_http()
        status, kind, charset = record.http_headers.status_code, record.http_content_type, record.http_charset
        if status is not None and not 200 <= status < 300:
            return no_page("read.http-status", f"The server answered {status}.")
    else:
        kind, charset = (record.headers.get("Content-Type") or "").partition(";")[0].strip(), None
    if kind and not (kind.startswith("text/") or "html" in kind or "xml" in kind):
        return no_page("read.binary", f"The server sent {kind}, no text.")
    media_type = HTML if kind and "html" in kind else PLAIN if kind == PLAIN else None
    limit = config.max_page_bytes
    # Sizes of chunks stand between them; packed, a page is smaller, or little larger.
    octets: bytes = record.reader.read(2 * limit + 1)
    if len(octets) < min(record.content_length, 2 * limit):
        raise EOFError("it is cut off")
    if record.is_http and len(octets) <= 2 * limit:
        try:
            octets = _decoded(octets, record.http_headers, limit + 1)
        except _BROKEN as fault:
            return no_page("read.damaged", f"The body cannot be unpacked: {fault}.")
    if len(octets) > limit:
        return no_page("read.too-large", f"The page has more than {limit} bytes (max_page_bytes).")
    return RawPage(path, octets, url, fetched_at, media_type, charset)


def _decoded(octets: bytes, headers: Any, most: int) -> bytes:
    """Undo the encodings that HTTP headers state, up to so many bytes.

    Crawlers keep headers over bodies that they have decoded: a body that does not begin as an encoding does is read as
    it stands.
    """
    from fastwarc.stream_io import BrotliReader, ZstdReader

    if (headers.get("Transfer-Encoding") or "").lower().strip().endswith("chunked"):
        octets = _joined(octets)
    for name in reversed((headers.get("Content-Encoding") or "").lower().split(",")):
        name = name.strip()
        if name in ("gzip", "x-gzip") and octets.startswith(_GZIP[:2]):
            octets = _inflated(octets, 31, most)
        elif name == "deflate" and octets[:1] and octets[0] & 15 == zlib.DEFLATED:
            octets = _inflated(octets, 15, most)
        elif name == "zstd" and octets.startswith(_ZSTD):
            octets = ZstdReader(io.BytesIO(octets)).read(most)
        elif name == "br":
            with suppress(OSError):  # it has no sign by which it begins
                octets = BrotliReader(io.BytesIO(octets)).read(most)
    return octets


def _joined(octets: bytes) -> bytes:
    """Return the chunks of a body without their sizes; a body without sizes as it stands."""
    chunks, at = list[bytes](), 0
    while (line := _CHUNK_SIZE.match(octets, at)) is not None:
        size = int(line[1], 16)
        chunks.append(octets[line.end() : line.end() + size])
        at = line.end() + size
        if size == 0 or at >= len(octets):
            return b"".join(chunks)
        at += 2 if octets.startswith(b"\r\n", at) else 1 if octets.startswith(b"\n", at) else 0
    return octets


def _inflated(octets: bytes, format: int, most: int) -> bytes:
    """Inflate a body of one or several members of gzip, up to so many bytes; behind the last may be anything."""
    inflated, magic = b"", octets[:2]
    while octets.startswith(magic) and len(inflated) < most:
        member = zlib.decompressobj(format)
        inflated += member.decompress(octets, most - len(inflated))
        if not member.eof and len(inflated) < most:
            raise EOFError("it is cut off")
        octets = member.unused_data
    return inflated


def _end_of_record(raw: IO[bytes], start: int, packing: bytes, size: int) -> int | None:
    """Return where a record ends in a file of so many bytes, or None if it is not whole."""
    raw.seek(start)
    if packing == _PLAIN:
        head, blank, _ = raw.read(_CHUNK).partition(_BLANK_LINE)
        length = _CONTENT_LENGTH.search(head)
        if not (blank and length):
            return None
        end = start + len(head) + len(_BLANK_LINE) + int(length[1])
        if end > size:  # a file system refuses what no file can hold
            return None
        raw.seek(end)
        return end + len(_BLANK_LINE) if raw.read(len(_BLANK_LINE)) == _BLANK_LINE else None
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
