"""Hostile inputs at the readers: each is a page or a rejection that says why, in bounded memory; nothing is followed out."""

from __future__ import annotations

import ast
import gzip
import io
import json
import os
import socket
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

import qingwen
from conftest import PAGES
from qingwen import Config
from qingwen.dataset import delta
from qingwen.dataset.location import location_of
from qingwen.dataset.rows import arrow, rows_of, source_row
from qingwen.errors import SetupError
from qingwen.model import Page, Rejection
from qingwen.read import page
from qingwen.read.containers import raw_pages
from qingwen.read.encoding import decode
from qingwen.read.inputs import list_sources
from qingwen.read.open import check_address
from qingwen.read.page import Source, page_of, read_page
from qingwen.run.engine import run
from qingwen.run.request import Request

MB = b"\0" * (1 << 20)
TEXT = "清文把新闻从网页里取出来，一句也不丢。" * 5
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"


def packed(pieces: Iterable[bytes]) -> bytes:
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as stream:
        for piece in pieces:
            stream.write(piece)
    return out.getvalue()


def gzipped(pieces: Iterable[bytes]) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return b"".join(map(packer.compress, pieces)) + packer.flush()


def record(block: bytes, length: int | None = None) -> bytes:
    size = len(block) if length is None else length
    head = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Date: 2023-05-30T01:02:03Z\r\n"
    head += "WARC-Target-URI: http://news.example/1.html\r\nContent-Type: application/http; msgtype=response\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % size + block + b"\r\n\r\n"


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def pax(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    size = next(n for n in range(len(body), len(body) + 9) if len(str(n)) + len(body) == n)
    body = str(size).encode() + body
    return header("x", len(body), tarfile.XHDTYPE) + body.ljust(-(-len(body) // 512) * 512, b"\0")


def zipped(write: Callable[[zipfile.ZipFile], Any], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        write(archive)
    return out.getvalue()


def overlapping(n: int, octets: bytes) -> bytes:
    """A zip archive whose list names its one member n times."""
    at = octets.index(b"PK\1\2")
    entry = octets[at : octets.index(b"PK\5\6")]
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n & 0xFFFF, n & 0xFFFF, len(entry) * n, at, 0)
    return octets[:at] + entry * n + end


def table(columns: dict[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out, compression="zstd", **options)
    return out.getvalue()


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


GOOD = record(HTTP + b"\r\n<p>" + TEXT.encode())
FILE = header("a.txt", 5) + b"hello".ljust(512, b"\0")
END = b"\0" * 10_240
ONE = zipped(lambda archive: archive.writestr("a.txt", TEXT))
ZEROS = zipped(lambda archive: archive.writestr("a.txt", MB * 3))
REPEATED = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000, pa.int32()), ["文" * 1_000_000])
STRUCTURE = pa.array([{"url": "http://x" * 200_000}] * 200)
# What is in each file, and what must be said of one of its items.
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "page.txt.gz": (lambda: gzipped([MB] * 20), "max_page_bytes"),
    "page.tar.zst": (lambda: packed([header("a.txt", 4 << 30), *[MB] * 128]), "500 times its size"),
    "skipped.tar.gz": (lambda: gzipped([header("a.png", 1 << 30), *[MB] * 80]), "500 times its size"),
    "name.tar.zst": (
        lambda: packed([header("x", 1 << 30, tarfile.GNUTYPE_LONGNAME), *[MB] * 80]),
        "a header of 1073741824 bytes",
    ),
    "pax.tar.zst": (lambda: packed([header("x", 1 << 30, tarfile.XHDTYPE), *[MB] * 80]), "a header of 1073741824"),
    "chain.tar": (lambda: header("x", 0, tarfile.XHDTYPE) * 5_000 + END, "recursion"),
    "endless.tar": (lambda: header("a.png", 1 << 62) + MB, "cut off"),
    "negative.tar": (lambda: pax(b"size", b"-100000") + FILE + END, "backwards"),
    "holes.tar": (lambda: pax(b"GNU.sparse.map", b"1,2") + FILE + END, "holes"),
    "pages.zip": (
        lambda: zipped(lambda archive: [archive.writestr(f"{n}.txt", MB * 5) for n in range(20)]),
        "500 times",
    ),
    "overlapping.zip": (lambda: overlapping(1_000, ZEROS), "500 times its size"),
    "list.zip": (lambda: overlapping(1_400_000, ONE), "list of members takes more than"),
    "bzip2.zip": (lambda: zipped(lambda archive: archive.writestr("a.txt", MB * 9), zipfile.ZIP_BZIP2), "deflate"),
    "lzma.zip": (lambda: zipped(lambda archive: archive.writestr("a.txt", MB * 9), zipfile.ZIP_LZMA), "deflate"),
    "noname.zip": (lambda: ONE.replace(b"\5\0\0\0a.txt", b"\0\0\0\0a.txt"), ""),
    "body.warc": (
        lambda: record(HTTP + b"Content-Encoding: gzip\r\n\r\n" + gzipped([MB] * 20)) + GOOD,
        "max_page_bytes",
    ),
    "record.warc.zst": (
        lambda: packed([record(HTTP + b"\r\n", 4 << 30)[:-4], *[MB] * 128]) + packed([GOOD]),
        "500 times its size",
    ),
    "behind.warc.zst": (lambda: packed([GOOD]) + packed([MB] * 128) + packed([GOOD]), "damaged"),
    "behind.warc.gz": (lambda: gzip.compress(GOOD) + gzipped([MB] * 20) + gzip.compress(GOOD), "damaged"),
    "begun.warc.zst": (lambda: packed([MB] * 80)[:-9] * 50 + packed([GOOD]), "damaged"),
    "header.warc.zst": (lambda: packed([b"WARC/1.0\r\nX: ", *[MB] * 80]), "Maximum header length"),
    "marks.warc": (lambda: GOOD + b"\nWARC/1" * 300_000 + b"\r\n\r\n" + GOOD, "damaged"),
    "swallows.warc": (lambda: record(HTTP, 1 << 62) + GOOD, "cut off"),
    "damaged.warc": (lambda: GOOD[:-60] * 1_500, "1000 records are damaged"),
    "line.jsonl": (lambda: b'{"text":"' + b"x" * 30_000_000 + b'"}\n' + line(text=TEXT), "3 times max_page_bytes"),
    "line.jsonl.zst": (lambda: packed([b"x" * (1 << 20)] * 128), "500 times its size"),
    "blank.jsonl.zst": (lambda: packed([b"\n" * (1 << 20)] * 64), "lines are blank"),
    "values.jsonl": (lambda: b'{"text":"x","a":[' + b"{}," * 3_000_000 + b"0]}\n" + line(text=TEXT), "commas"),
    "nested.jsonl": (lambda: b"[" * 200_000 + b"\n" + line(text=TEXT), "recursion"),
    "number.jsonl": (lambda: b'{"text":"x","date":' + b"9" * 5_000 + b"}\n" + line(text=TEXT), "4300 digits"),
    "repeated.parquet": (lambda: table({"text": REPEATED}), "500 times its size"),
    "structure.parquet": (lambda: table({"text": [f"{TEXT}{n}" for n in range(200)], "metadata": STRUCTURE}), ""),
    "text.parquet": (lambda: table({"text": ["x" * 20_000_000, TEXT]}), "3 times max_page_bytes"),
    "columns.parquet": (lambda: table({**{f"c{n}": [1] for n in range(20_000)}, "text": [TEXT]}), ""),
}
# Reads files in a process of its own: what is said of them, and the most memory that it held.
READ = """
import json, resource, sys
from qingwen import Config
from qingwen.model import Rejection
from qingwen.read.containers import raw_pages
from qingwen.read.page import page_of
config = Config(max_page_bytes=4 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30))
def most():
    # Not ru_maxrss: that of the process which made the bombs goes into it.
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) >> 10 for line in status if line.startswith('VmHWM'))
for path in sys.argv[1:]:
    said = [found.detail if isinstance(found := page_of(item, config), Rejection) else ""
            for item in raw_pages(path, config)]
    print(json.dumps([path, len(said), sorted(set(said)), most()]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory is read there")
def test_bombs_are_rejected_and_take_no_memory(tmp_path: Path) -> None:
    for name, (make, _) in BOMBS.items():
        (tmp_path / name).write_bytes(make())
    paths = [str(tmp_path / name) for name in BOMBS]
    done = subprocess.run([sys.executable, "-c", READ, *paths], check=True, capture_output=True, text=True)
    found = [json.loads(said) for said in done.stdout.splitlines()]
    assert [Path(path).name for path, *_ in found] == list(BOMBS)
    for path, n, said, _ in found:
        wanted = BOMBS[Path(path).name][1]
        assert n > 0, path
        assert any(wanted in detail for detail in said), (path, said)
    assert max(memory for *_, memory in found) < 500


@pytest.mark.parametrize(
    "name", ["swallows.warc", "behind.warc.zst", "behind.warc.gz", "record.warc.zst", "marks.warc"]
)
def test_a_whole_record_behind_a_hostile_one_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BOMBS[name][0]())
    assert isinstance(page_of(list(raw_pages(str(tmp_path / name), Config()))[-1], Config()), Page)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    os.mkfifo(tmp_path / "pipe.jsonl")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.txt"))
    (tmp_path / "folder.txt").mkdir()
    said = [
        page_of(item, Config()) for source in list_sources([str(tmp_path)]) for item in raw_pages(source.path, Config())
    ]
    said.append(read_page("/dev/zero", Config()))
    assert all(isinstance(one, Rejection) and one.rule in ("read.unreadable", "read.damaged") for one in said)
    kinds = ("a named pipe", "a named pipe", "a socket", "a device")
    assert [any(kind in one.detail for kind in kinds) for one in said if isinstance(one, Rejection)] == [True] * 4


def test_no_link_is_followed_out_of_the_folder_or_round_in_circles(tmp_path: Path) -> None:
    inside, outside = tmp_path / "pages", tmp_path / "secret"
    for folder in (inside / "sub", outside):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text(TEXT, "utf-8")
    for name, target in {
        "inner.txt": "sub/a.txt", "outer.txt": "../secret/a.txt", "abs.txt": outside / "a.txt", "out": outside,
        "loop": ".", "sub/up": "..", "self.txt": "self.txt", "gone.txt": "gone",
    }.items():  # fmt: skip
        (inside / name).symlink_to(target)
    for named in (str(inside), f"{inside}/**/*", f"{inside}/**"):
        found = {Path(source.path).relative_to(inside).as_posix(): source.path for source in list_sources([named])}
        pages = {name: read_page(path, Config()) for name, path in found.items()}
        assert {name for name, page in pages.items() if isinstance(page, Page)} == {"inner.txt", "sub/a.txt"}
        for name in ("outer.txt@", "abs.txt@", "out@"):
            assert "a link that leads out of the folder" in getattr(pages[name], "detail", ""), name
    link = tmp_path / "named.txt"
    link.symlink_to(outside / "a.txt")
    assert isinstance(read_page(list_sources([str(link)])[0].path, Config()), Page)
    (tmp_path / "root").symlink_to(inside)
    assert len(list_sources([str(tmp_path / "root")])) == len(list_sources([str(inside)]))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_a_rejection(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    (tmp_path / "closed").mkdir(mode=0)
    said = {source.path: read_page(source.path, Config()) for source in list_sources([str(tmp_path)])}
    assert "Permission denied" in getattr(said[f"{tmp_path}/closed"], "detail", "")


def test_names_that_are_no_utf_8_and_hold_newlines_are_written_down_and_read(tmp_path: Path) -> None:
    inputs = tmp_path / "pages"
    inputs.mkdir()
    for n, name in enumerate((b"\xff\xfe.txt", b"a\nb\t\x1b[2J.txt", b"\\xff.txt", b"'; drop table--.txt")):
        (Path(os.fsdecode(bytes(inputs) + b"/" + name))).write_text(f"{TEXT}{n}", "utf-8")
    (inputs / "a.tar").write_bytes(
        pax(b"path", b"../../\xff.txt") + FILE + pax(b"path", b"/etc/cron.d/x.txt") + FILE + END
    )
    report = run(Request((str(inputs),), str(tmp_path / "out"), runner="inline"))
    assert report.pending == 0
    paths = set(delta.read(tmp_path / "out", "sources", ("source_path",))["source_path"].to_pylist())
    assert f"{inputs}/\\xff\\xfe.txt" in paths
    assert f"{inputs}/a.tar!../../\\xff.txt" in paths
    assert len(paths) == 6
    assert {path.name for path in tmp_path.iterdir()} == {"pages", "out"}


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "local://x", "zip://a.txt::/tmp/a.zip", "simplecache::s3://b/a", "filecache://s3/x",
        "reference://x.json", "github://o:r@main/a.txt", "dask://x", "git://x", "jupyter://x", "dir://x", "tar://x",
        "s3://key:secret@b/a", "https://user:secret@h/a.txt", "https://h/a.txt?X-Amz-Signature=secret&x=1",
        "https://h/a.txt?sig=secret", "ftp://:secret@h/", "http://secret@h/a.txt", "HTTP://u%3Asecret@h/a.txt",
        "https://h/a?x-oss-signature=secret", "https://h/a?x=1&q-signature=secret", "https://h/a?api_key=secret",
        "s3://b/a;X-Amz-Signature=secret", "https://h/a.txt#token=secret", "https://h/a?%74oken=secret",
        "https://h/a?OSSAccessKeyId=secret", "https://h/a?key=secret", "abfs://c:secret@h/a", "s3://b/a?x#y;pwd=secret",
    ],
)  # fmt: skip
def test_a_url_of_no_store_or_with_a_password_is_refused_and_not_printed(url: str, tmp_path: Path) -> None:
    for given in (lambda: check_address(url), lambda: list_sources([url]), lambda: Request((url,), str(tmp_path)),
                  lambda: Request((str(tmp_path),), url)):  # fmt: skip
        with pytest.raises(SetupError) as said:
            given()
        assert "secret" not in str(said.value)


@pytest.mark.parametrize(
    "url",
    ["s3://bucket/a@b/c.html", "https://h/s?keyword=1&monkey=2", "abfs://box@account.example/a", "hf://d/u/r@m/a"],
)
def test_an_address_without_secrets_is_taken(url: str) -> None:
    check_address(url)


def test_what_gives_access_is_left_out_of_the_addresses_of_rows(tmp_path: Path) -> None:
    """In no file of a dataset: in no table, log, manifest or state."""
    urls = ["http://me:hunter2@a.example/1?page=2", "https://a.example/2?access_token=hunter2&page=3#top"]
    source = tmp_path / "a.jsonl"
    text = (PAGES / "clean-dispatch.txt").read_text("utf-8")
    rows = [
        {"text": f"{text}\n第{n}版另有报道，记者在现场看到船只已经靠岸。\n", "url": url} for n, url in enumerate(urls)
    ]
    source.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    run(Request((str(source),), str(tmp_path / "out"), runner="inline"))
    records = delta.read(location_of(tmp_path / "out"), "records", ("url",))["url"].to_pylist()
    assert sorted(records) == ["http://a.example/1?page=2", "https://a.example/2?page=3#top"]
    sources = delta.read(location_of(tmp_path / "out"), "sources", ("url",))["url"].to_pylist()
    assert sorted(sources) == sorted(records)
    left = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"hunter2" not in left
    for wrong in (
        {"config": Config(url_prefix="https://u:secret@h/")},
        {"cluster": "tcp://u:secret@h", "runner": "dask"},
    ):
        with pytest.raises(SetupError) as said:
            Request((str(source),), str(tmp_path / "out"), **wrong)
        assert "secret" not in str(said.value)


def test_the_output_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    with pytest.raises(SetupError, match="is an input"):
        Request((str(tmp_path),), f"{tmp_path}/../{tmp_path.name}")


NO_CHARSETS = (
    "rot13 base64 zlib bz2 hex idna punycode unicode_escape raw_unicode_escape undefined mbcs utf-7 uu quopri "
    "string_escape ../../x a.b utf-8-sig cp037"
).split()


def test_a_declared_charset_that_no_page_has_is_ignored() -> None:
    for name in NO_CHARSETS:
        octets = f"<meta charset={name}><p>{TEXT}".encode("gb18030")
        assert decode(octets).text.endswith(TEXT), name
        assert decode(octets, name).encoding == decode(octets, "\ud800\0").encoding == "gb18030", name


ODD_BYTES = (
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\0\0", b"\xfe\xff\xd8\x00", b"\xed\xa0\x80\xed\xb0\x80" * 9, b"+/v8-",
    TEXT.encode("gbk") + TEXT.encode(), TEXT.encode() + b"\x80" * 50, b"\x81" * 999, b"\xff\xfe" + b"\x00\xd8" * 99,
    *(TEXT.encode()[:at] + bad + TEXT.encode()[at:] for at in range(60) for bad in (b"\xff", b"\xc0\x80", b"\xed\xbf\xbf")),
)  # fmt: skip


def test_any_bytes_are_a_text_that_utf_8_can_hold() -> None:
    for octets in ODD_BYTES:
        found = decode(octets)
        assert found.text.encode() is not None, octets
        assert found.damaged == found.text.count("\ufffd"), octets


def test_rows_with_lone_surrogates_odd_dates_and_odd_types_go_into_the_tables(tmp_path: Path) -> None:
    dates = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1e11, -1e12, True, [1], "2023-05-30T25:00"]
    lines = [line(text=f"{TEXT}{n}", fetched_at=when) for n, when in enumerate(dates)]
    lines += [b'{"text":"%s\\ud800","url":"http://\\udfffx"}\n' % TEXT.encode(), b'{"\\ud800":1}\n', b"5\n"]
    lines += [line(text=TEXT, url="http://x/" + "a" * 1_000_000), line(text=["x"], metadata=[1]), b'{"text":NaN}\n']
    (tmp_path / "rows.jsonl").write_bytes(b"".join(lines))
    odd = {
        "text": pa.array([TEXT.encode("gbk"), b"\xff\xfe" + TEXT.encode("utf-16-le")]),
        "url": pa.array([b"http://\xff"] * 2),
        "date": pa.array([2**62] * 2, pa.timestamp("us")),
        "fetched_at": pa.array([123456789123456789] * 2, pa.timestamp("ns")),
        "title": pa.array([["x"]] * 2),
    }
    (tmp_path / "odd.parquet").write_bytes(table(odd))
    for name, n in (("rows.jsonl", len(lines)), ("odd.parquet", 2)):
        found = list(raw_pages(str(tmp_path / name), Config()))
        assert len(found) == n
        for item in found:
            arrow("sources", [{**source_row(Source("x", 1, 1), item, "record"), "_item": "x"}])
            if isinstance(item.octets, Rejection):
                arrow("rejections", [{**rows_of(item.octets)["rejections"][0], "_item": "x"}])


def test_a_sparse_file_of_terabytes_is_named_by_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_MAX_HASHED_CHUNKS", 4)
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(1 << 42)
    assert getattr(read_page(str(tmp_path / "a.txt"), Config(max_page_bytes=1000)), "rule", "") == "read.too-large"


def test_nothing_in_the_package_reads_pickles_or_yaml_or_runs_text() -> None:
    for path in Path(qingwen.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "joblib"} & set(names), path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path
