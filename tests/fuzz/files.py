"""What must hold of bytes on their way to pages: decoding, files, containers whole and damaged."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import zstandard
from pyarrow import parquet

from qingwen import Config
from qingwen.model import Page, Rejection
from qingwen.read.containers import raw_pages
from qingwen.read.encoding import TWICE, decode
from qingwen.read.page import RawPage, page_id, page_of, read_page

from .laws import CONFIG, holds_rejection

SMALL = Config(max_page_bytes=1 << 16)
TEXTS = tuple(f"第{n}条。清文把新闻从网页里取出来，一句也不丢。" * (n + 2) for n in range(5))
FOLDER = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())


def decoding(octets: bytes) -> None:
    """Any bytes are some text, which UTF-8 can write; valid UTF-8 is what it says. A first line ``charset:x`` declares."""
    declared = None
    if octets.startswith(b"charset:"):
        head, _, octets = octets.partition(b"\n")
        declared = head[8:].decode("latin-1")
    found = decode(octets, declared)
    assert found == decode(octets, declared)
    written = found.text.encode()
    assert found.encoding
    assert found.damaged <= found.text.count("\ufffd")
    if found.encoding == "utf-8" and not found.damaged:
        assert written == octets.removeprefix(b"\xef\xbb\xbf")
    if found.encoding == TWICE:
        assert found.text.encode() != octets
    assert (
        not (declared is None and _is_utf8(octets))
        or found.damaged == 0
        or octets[:2] in (b"\xff\xfe", b"\xfe\xff")
        or b"\0" in octets
    )


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def paging(octets: bytes) -> None:
    """Bytes are a page, known by them, or a rejection; a file of them is the same page, packed or not."""
    for name, kind, charset in (("a.txt", None, None), ("a.html", None, "gbk"), ("a", "text/html", "utf-7")):
        page = page_of(RawPage(name, octets, media_type=kind, charset=charset), SMALL)
        _is_page(page)
        if isinstance(page, Page):
            assert (page.id, page.size) == (hashlib.sha256(octets).hexdigest()[:32], len(octets))
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        for ending, pack in (("", bytes), (".gz", gzip.compress), (".zst", zstandard.compress)):
            path = Path(folder) / f"a.txt{ending}"
            path.write_bytes(pack(octets))
            read = read_page(str(path), CONFIG)
            direct = page_of(RawPage(str(path), octets), CONFIG)
            assert read == direct
            path.write_bytes(octets)  # what is packed by its name alone
            _is_page(read_page(str(path), SMALL))


def _is_page(found: Page | Rejection) -> None:
    if isinstance(found, Rejection):
        holds_rejection(found)
    else:
        found.text.encode()
        assert found.encoding
        assert found.media_type


_PACKED: Mapping[bytes, tuple[str, Callable[[bytes], bytes]]] = {
    b"p": ("", bytes),
    b"g": (".gz", lambda octets: zlib.compress(octets, 1, wbits=31)),
    b"z": (".zst", lambda octets: zstandard.compress(octets, 1)),
    b"G": (".gz", bytes),
    b"Z": (".zst", bytes),
}


def container(ending: str) -> Callable[[bytes], None]:
    """Return the target of one kind of container; an input's first byte says how the rest is packed (`_PACKED`)."""

    def target(octets: bytes) -> None:
        packed, pack = _PACKED.get(octets[:1], _PACKED[b"p"]) if ending not in (".zip", ".parquet") else ("", bytes)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            path = Path(folder) / f"a{ending}{packed}"
            path.write_bytes(pack(octets[1:]))
            holds_items(str(path))

    return target


def holds_items(path: str) -> list[RawPage]:
    """Reading a container never fails: each item comes once, under its name, twice the same, and shares make the whole."""
    found = list(raw_pages(path, SMALL))
    assert found
    names = [item.path for item in found]
    assert len(set(names)) == len(names), names
    for item in found:
        item.path.encode("utf-8", "surrogateescape")
        if isinstance(item.octets, Rejection):
            holds_rejection(item.octets)
            assert item.octets.source_path == item.path
        else:
            assert isinstance(item.octets, bytes)
            assert len(item.octets) <= SMALL.max_page_bytes * 3
        for said in (item.url, item.media_type, item.charset):
            assert said is None or isinstance(said, str)
        page = page_of(item, SMALL)
        _is_page(page)
        assert item.page_id == (page.page_id if isinstance(page, Rejection) else page.id)
        (item.url or "").encode()
    assert list(raw_pages(path, SMALL)) == found
    shares = [list(raw_pages(path, SMALL, (part, 2))) for part in range(2)]
    assert sorted(item.path for share in shares for item in share) == sorted(names)
    return found


def build(kind: str, texts: tuple[bytes, ...]) -> tuple[bytes, list[tuple[int, int]]]:
    """Return a container of pages and where the bytes of each lie in it."""
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive:
            for n, text in enumerate(texts):
                archive.writestr(f"{n}.txt", text)
    elif kind == "tar":
        with tarfile.open(fileobj=out, mode="w") as archive:
            for n, text in enumerate(texts):
                member = tarfile.TarInfo(f"{n}.txt")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
    elif kind == "warc":
        for n, text in enumerate(texts):
            out.write(warc_record(n, text))
    else:
        for text in texts:
            out.write(b'{"text": "' + text + b'"}\n')
    octets = out.getvalue()
    return octets, [(octets.index(text), octets.index(text) + len(text)) for text in texts]


def warc_record(n: int, body: bytes, kind: str = "response") -> bytes:
    """Return a record as crawlers write it."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" if kind == "response" else b""
    content = "application/http; msgtype=response" if kind == "response" else "text/plain"
    size = len(head) + len(body)
    lines = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{n}>\r\nWARC-Date: 2023-05-30T01:02:03Z\r\n"
        f"WARC-Target-URI: http://n.example/{n}\r\nContent-Type: {content}\r\nContent-Length: {size}\r\n\r\n"
    )
    return lines.encode() + head + body + b"\r\n\r\n"


def damage(octets: bytes) -> None:
    """Damage inside one page of a container leaves the others whole. Input: kind, page, place, then what is written."""
    kind = ("zip", "tar", "warc", "jsonl")[octets[0] % 4] if octets else "zip"
    hurt, at, written = (
        (octets[1] % len(TEXTS) if octets[1:] else 0),
        int.from_bytes(octets[2:4]),
        octets[4:20] or b"\xff",
    )
    texts = tuple(text.encode() for text in TEXTS)
    made, places = build(kind, texts)
    start, end = places[hurt]
    at = start + at % (end - start)
    written = written[: end - at]
    if kind == "jsonl":
        written = written.replace(b"\n", b" ").replace(b"\r", b" ")
    made = made[:at] + written + made[at + len(written) :]
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        path = Path(folder) / f"a.{kind}"
        path.write_bytes(made)
        found = holds_items(str(path))
    whole = {item.octets for item in found if isinstance(item.octets, bytes)}
    assert {text for n, text in enumerate(texts) if n != hurt} <= whole
    assert len(found) >= len(texts)


def parquet_of(texts: tuple[str, ...]) -> bytes:
    """Return a Parquet file of pages, in groups of two rows."""
    out = io.BytesIO()
    rows = pa.table({"text": list(texts), "url": [f"http://n.example/{n}" for n in range(len(texts))]})
    parquet.write_table(rows, out, row_group_size=2)
    return out.getvalue()


def known_by(octets: bytes) -> str:
    """Return what an input is called in the corpus."""
    return page_id(octets)[:16]
