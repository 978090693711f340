"""Containers: WARC, WET, JSON Lines, Parquet, zip and tar; what is damaged rejects itself alone."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from qingwen import Config
from qingwen.errors import SetupError
from qingwen.model import HTML, Page, Rejection
from qingwen.read.containers import is_container, raw_pages
from qingwen.read.page import RawPage, page_id, page_of
from qingwen.read.table_rows import check_fields, raw_page_of

TEXTS = tuple(f"第{n}条。清文把新闻从网页里取出来，一句也不丢。" * 5 for n in range(6))
WHEN = "2023-05-30T01:02:03Z"


def items(path: Path, config: Config | None = None, **options: Any) -> list[RawPage]:
    return list(raw_pages(str(path), config or Config(), **options))


def texts(found: list[RawPage]) -> list[str | None]:
    pages = [page_of(item, Config()) for item in found]
    return [page.text if isinstance(page, Page) else page.rule for page in pages]


def warc_record(n: int, body: bytes, kind: str = "response", head: bytes | None = None) -> bytes:
    """A record as crawlers write it."""
    if head is None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" if kind == "response" else b""
    content = "application/http; msgtype=response" if kind == "response" else "text/plain"
    block = head + body
    lines = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{n}>\r\nWARC-Date: {WHEN}\r\n"
        f"WARC-Target-URI: http://news.example/{n}.html\r\nContent-Type: {content}\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return lines.encode() + block + b"\r\n\r\n"


def html(text: str) -> bytes:
    return f"<!doctype html><html><body><p>{text}</p></body></html>".encode()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda octets: octets,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


@pytest.mark.parametrize("packed", PACKERS)
def test_a_warc_gives_its_responses_with_url_and_date(tmp_path: Path, packed: str) -> None:
    path = tmp_path / f"crawl.warc{packed}"
    records = [warc_record(99, b"software: x\r\n", "warcinfo"), *(warc_record(n, html(t)) for n, t in enumerate(TEXTS))]
    path.write_bytes(b"".join(map(PACKERS[packed], records)))
    found = items(path)
    assert [item.path for item in found] == [f"{path}#{n}" for n in range(len(TEXTS))]
    assert [item.octets for item in found] == [html(text) for text in TEXTS]
    assert {item.fetched_at for item in found} == {datetime(2023, 5, 30, 1, 2, 3, tzinfo=UTC)}
    assert found[2].url == "http://news.example/2.html"
    page = page_of(found[2], Config())
    assert isinstance(page, Page)
    assert (page.media_type, page.url, page.id) == (HTML, found[2].url, page_id(html(TEXTS[2])))


def test_a_response_is_decoded_and_what_is_no_page_says_why(tmp_path: Path) -> None:
    path = tmp_path / "crawl.warc.gz"
    packed = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=gbk\r\nContent-Encoding: gzip\r\n\r\n"
    gone = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n"
    picture = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"
    body = f"<html><body>{TEXTS[0]}</body></html>".encode("gbk")
    records = [
        warc_record(0, gzip.compress(body), head=packed),
        warc_record(1, b"gone", head=gone),
        warc_record(2, b"\x89PNG", head=picture),
        warc_record(3, b""),
    ]
    path.write_bytes(b"".join(map(gzip.compress, records)))
    found = items(path)
    assert found[0].octets == body
    page = page_of(found[0], Config())
    assert isinstance(page, Page)
    assert TEXTS[0] in page.text
    assert texts(found)[1:] == ["read.http-status", "read.binary", "read.empty"]


@pytest.mark.parametrize("packed", PACKERS)
def test_a_damaged_record_rejects_itself_and_the_others_are_read(tmp_path: Path, packed: str) -> None:
    records = [PACKERS[packed](warc_record(n, html(text))) for n, text in enumerate(TEXTS)]
    middle = len(records[2]) // 2
    records[2] = records[2][:middle] + b"WARC" * 3 + records[2][middle + 12 :] if packed else b"WARC/1.0\r\nbroken"
    path = tmp_path / f"crawl.warc{packed}"
    path.write_bytes(b"".join(records))
    found = items(path)
    whole = [item.octets for item in found if isinstance(item.octets, bytes)]
    assert [octets for n, octets in enumerate(map(html, TEXTS)) if n != 2] == [o for o in whole if o != html(TEXTS[2])]
    if packed:
        assert [rule for rule in texts(found) if rule == "read.damaged"] == ["read.damaged"]


@pytest.mark.parametrize("packed", PACKERS)
def test_a_warc_cut_off_gives_what_is_whole(tmp_path: Path, packed: str) -> None:
    path = tmp_path / f"crawl.warc{packed}"
    octets = b"".join(PACKERS[packed](warc_record(n, html(text))) for n, text in enumerate(TEXTS))
    path.write_bytes(octets[:-40])
    found = items(path)
    assert [item.octets for item in found[:5]] == [html(text) for text in TEXTS[:5]]
    assert texts(found[5:]) == ["read.damaged"]


def chunked(body: bytes, size: int = 100) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


@pytest.mark.parametrize("packed", PACKERS)
def test_a_body_is_decoded_as_its_headers_say_and_the_next_record_is_read(tmp_path: Path, packed: str) -> None:
    body = html(TEXTS[0])
    encoded = [
        (b"Transfer-Encoding: chunked\r\nContent-Encoding: gzip", chunked(gzip.compress(body))),
        (b"transfer-encoding: Chunked", chunked(body)),
        (b"Content-Encoding: gzip", gzip.compress(body[:50]) + gzip.compress(body[50:])),
        (b"Content-Encoding: deflate", zlib.compress(body)),
        (b"Content-Encoding: br", brotli.compress(body)),
        (b"Content-Encoding: zstd", zstandard.compress(body)),
        (b"Content-Encoding: br, gzip", gzip.compress(brotli.compress(body))),
    ]
    kept = [
        (headers, stands)
        for headers, _ in encoded
        for stands in (body, "2023年，清文把新闻从网页里取出来。".encode(), b"")
    ]
    path = tmp_path / f"crawl.warc{packed}"
    records = [
        warc_record(n, octets, head=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + headers + b"\r\n\r\n")
        for n, (headers, octets) in enumerate([*encoded, *kept])
    ]
    path.write_bytes(b"".join(map(PACKERS[packed], records)))
    assert [item.octets for item in items(path)] == [body] * len(encoded) + [stands for _, stands in kept]
    broken = warc_record(0, gzip.compress(body)[:-30], head=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    path.write_bytes(PACKERS[packed](broken) + PACKERS[packed](records[1]))
    assert texts(items(path))[0] == "read.damaged"
    assert items(path)[1].octets == body


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("length", [10**5, 10**12, 10**15, 2**63 - 1, 2**64, 10**30])
def test_a_length_that_no_file_has_costs_its_own_record_alone(tmp_path: Path, packed: str, length: int) -> None:
    records = [warc_record(n, html(text)) for n, text in enumerate(TEXTS)]
    records[1] = re.sub(rb"(?<=Content-Length: )\d+", b"%d" % length, records[1], count=1)
    path = tmp_path / f"crawl.warc{packed}"
    path.write_bytes(b"".join(map(PACKERS[packed], records)))
    found = items(path)
    assert texts(found)[1] in ("read.damaged", "read.empty")
    assert [item.octets for item in found[:1] + found[2:]] == [html(text) for text in (TEXTS[0], *TEXTS[2:])]


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("rest", [b"no record begins here\r\n\r\n" * 9, b"\0" * 50 + b"x", None])
def test_what_no_reader_takes_behind_the_last_page_is_told(tmp_path: Path, packed: str, rest: bytes | None) -> None:
    path = tmp_path / f"crawl.warc{packed}"
    octets = b"".join(PACKERS[packed](warc_record(n, html(text))) for n, text in enumerate(TEXTS))
    path.write_bytes(octets + b"\r\n\0\0")
    assert len(items(path)) == len(TEXTS)
    rest = rest or PACKERS[packed](warc_record(9, b"a: b\r\n" * 50, "metadata"))[:-9]
    path.write_bytes(octets + rest)
    assert texts(items(path))[len(TEXTS) :] == ["read.damaged"]
    path.write_bytes(octets + rest + octets)
    assert [item.octets for item in items(path)][-len(TEXTS) :] == [html(text) for text in TEXTS]


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_a_warc_that_was_packed_as_one_gives_all_its_pages(tmp_path: Path, packed: str) -> None:
    """As ``gzip crawl.warc`` makes it, where crawlers pack record by record."""
    path = tmp_path / f"crawl.warc{packed}"
    whole = b"".join(warc_record(n, html(text)) for n, text in enumerate(TEXTS))
    path.write_bytes(PACKERS[packed](whole))
    assert [item.octets for item in items(path)] == [html(text) for text in TEXTS]
    path.write_bytes(PACKERS[packed](whole)[:-30])
    assert "read.damaged" in texts(items(path))


def test_a_wet_file_gives_its_conversions(tmp_path: Path) -> None:
    path = tmp_path / "crawl.wet.gz"
    path.write_bytes(b"".join(gzip.compress(warc_record(n, t.encode(), "conversion")) for n, t in enumerate(TEXTS)))
    assert texts(items(path)) == list(TEXTS)


def test_a_packed_file_that_is_cut_off_or_goes_on_with_something_else_says_so(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"{text}{n}"}) + "\n" for n in range(3_000) for text in TEXTS).encode()
    for packed in (".gz", ".zst"):
        path = tmp_path / f"news.jsonl{packed}"
        whole = PACKERS[packed](lines)
        assert len(lines) > 1 << 20
        for octets in (whole[:-2], whole + b"junk", whole + whole[:9]):
            path.write_bytes(octets)
            *found, last = texts(items(path))
            assert last == "read.damaged"
            assert len(found) > 0.9 * 3_000 * len(TEXTS)
        path.write_bytes(whole + whole)
        assert len(items(path)) == 2 * 3_000 * len(TEXTS)


def test_what_lies_behind_a_tar_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "pages.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0" * 700)
    assert texts(items(path)) == ["read.empty"]
    path.write_bytes(whole + whole)
    assert texts(items(path)) == ["read.empty", "read.damaged"]


@pytest.mark.parametrize("packed", PACKERS)
def test_json_lines_of_news_please(tmp_path: Path, packed: str) -> None:
    """The fields that news-please writes: the title goes before the text, the day of the download is the crawl's."""
    path = tmp_path / f"news.jsonl{packed}"
    rows = [
        {
            "maintext": text, "title": f"标题{n}", "url": f"http://n.example/{n}", "date_publish": "2020-01-01 00:00:00",
            "date_download": "2023-05-30 01:02:03", "source_domain": "n.example",
        }
        for n, text in enumerate(TEXTS)
    ]  # fmt: skip
    path.write_bytes(PACKERS[packed]("".join(f"{json.dumps(row)}\n" for row in rows).encode()))
    found = items(path)
    assert texts(found) == [f"标题{n}\n{text}" for n, text in enumerate(TEXTS)]
    assert found[1].url == "http://n.example/1"
    assert found[1].fetched_at == datetime(2023, 5, 30, 1, 2, 3, tzinfo=UTC)


def test_json_lines_of_scrapy_hold_html(tmp_path: Path) -> None:
    path = tmp_path / "items.jl"
    rows = [{"url": "http://s.example/a", "html": html(TEXTS[0]).decode(), "status": 200}]
    path.write_text("\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    (item,) = items(path)
    assert (item.octets, item.media_type, item.url) == (html(TEXTS[0]), HTML, "http://s.example/a")


def test_a_parquet_file_of_datatrove(tmp_path: Path) -> None:
    path = tmp_path / "00000.parquet"
    rows = [
        {"text": text, "id": f"x/{n}", "metadata": {"url": f"http://d.example/{n}", "date": WHEN}}
        for n, text in enumerate(TEXTS)
    ]
    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    found = items(path)
    assert texts(found) == list(TEXTS)
    assert (found[5].path, found[5].url) == (f"{path}#5", "http://d.example/5")
    assert found[5].fetched_at == datetime(2023, 5, 30, 1, 2, 3, tzinfo=UTC)


def test_fields_by_option(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    row = {"text": "not this", "doc": {"inhalt": TEXTS[0]}, "at": 1685408523, "adresse": "http://o.example/"}
    path.write_text(json.dumps(row), "utf-8")
    (item,) = items(path, Config(text_field="doc.inhalt", url_field="adresse", date_field="at"))
    assert (item.octets, item.url) == (TEXTS[0].encode(), "http://o.example/")
    assert item.fetched_at == datetime(2023, 5, 30, 1, 2, 3, tzinfo=UTC)


def test_a_page_in_bytes_keeps_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "raw.parquet"
    parquet.write_table(pa.table({"html": [f"<html><body>{TEXTS[0]}</body></html>".encode("gb18030")]}), path)
    assert TEXTS[0] in (texts(items(path))[0] or "")


def test_a_parquet_file_without_a_known_column_is_one_rejection_that_lists_them(tmp_path: Path) -> None:
    path = tmp_path / "odd.parquet"
    parquet.write_table(pa.table({"url": ["http://a.example/"] * 3, "payload": list(TEXTS[:3])}), path)
    (found,) = items(path)
    assert isinstance(found.octets, Rejection)
    assert (found.path, found.octets.rule) == (str(path), "read.no-text")
    assert "Its 3 rows have no text. Its columns: payload, url." in found.octets.detail
    assert texts(items(path, Config(text_field="payload"))) == list(TEXTS[:3])
    many = pa.table({"text": pa.array([None] * 50_000, pa.string())})
    parquet.write_table(many, path)
    assert set(texts(items(path, Config(max_page_bytes=1 << 20)))) == {"read.no-text"}
    assert len(items(path)) == 50_000


def test_a_named_field_that_no_file_has_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    rows, table, page = tmp_path / "rows.jsonl", tmp_path / "table.parquet", tmp_path / "page.txt"
    lines = [
        json.dumps({"body": TEXTS[0], "meta": {"u": "http://a.example/"}}),
        "broken",
        "[1]",
        json.dumps({"day": None}),
    ]
    rows.write_text("\n".join(lines), "utf-8")
    parquet.write_table(pa.table({"inhalt": [TEXTS[0]], "m": [{"titel": "甲"}]}), table)
    page.write_text(TEXTS[0], "utf-8")
    paths = [str(page), str(rows), str(table)]
    for found in ("body", "meta.u", "day", "inhalt", "m.titel"):
        check_fields(paths, Config(text_field=found))
    with pytest.raises(
        SetupError, match=r"--url-field nope: no row has this field. The fields in .* are body, day, inhalt, m, meta"
    ):
        check_fields(paths, Config(text_field="body", url_field="nope"))
    check_fields([str(page)], Config(text_field="nope"))


def test_bad_rows_reject_themselves(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = json.dumps({"text": TEXTS[0]})
    long = json.dumps({"text": "长" * 4000})
    path.write_text("\n".join(['{"text": ', good, "[1]", '{"wrong": 1}', long, good, '{"text": "\\ud800清"}']), "utf-8")
    found = items(path, Config(max_page_bytes=1000))
    assert texts(found)[:6] == [
        "read.damaged", TEXTS[0], "read.damaged", "read.no-text", "read.too-large", TEXTS[0],
    ]  # fmt: skip
    assert found[6].octets == "\ufffd清".encode()
    assert isinstance(found[3].octets, Rejection)
    assert found[3].octets.detail == (
        "The row has no text. Its fields: wrong. Name the right one with text_field or html_field."
    )


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in members.items():
            archive.writestr(name, octets)
    return path


def test_a_zip_gives_its_pages_and_a_damaged_member_rejects_itself(tmp_path: Path) -> None:
    members = {f"a/{n}.txt": text.encode() for n, text in enumerate(TEXTS)} | {"a/logo.png": b"\x89PNG"}
    path = zipped(tmp_path / "pages.zip", members)
    assert texts(items(path)) == list(TEXTS)
    octets = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        octets[archive.getinfo("a/2.txt").header_offset + 45] ^= 0xFF
    path.write_bytes(octets)
    assert texts(items(path)) == [*TEXTS[:2], "read.damaged", *TEXTS[3:]]
    path.write_bytes(b"PK no archive")
    assert texts(items(path)) == ["read.damaged"]


def tarred(members: list[tuple[str, bytes]]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, octets in members:
            member = tarfile.TarInfo(name)
            member.size = len(octets)
            archive.addfile(member, io.BytesIO(octets))
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return held.getvalue()


@pytest.mark.parametrize("packed", PACKERS)
def test_a_tar_streams_by_and_follows_no_link(tmp_path: Path, packed: str) -> None:
    path = tmp_path / f"pages.tar{packed}"
    members = [
        ("a.txt", TEXTS[0].encode()),
        ("b.txt.gz", gzip.compress(TEXTS[1].encode())),
        ("a.txt", TEXTS[2].encode()),
    ]
    path.write_bytes(PACKERS[packed](tarred(members)))
    found = items(path)
    assert texts(found) == list(TEXTS[:3])
    assert [item.path.rpartition("!")[2] for item in found] == ["a.txt", "b.txt.gz", "a.txt#2"]
    if packed == ".gz":
        path = path.rename(tmp_path / "pages.tgz")
        assert texts(items(path)) == list(TEXTS[:3])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    assert "read.damaged" in texts(items(path))


def test_an_empty_container_and_one_that_is_not_there_say_so(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_bytes(b"\n")
    assert texts(items(tmp_path / "none.jsonl")) == ["read.empty"]
    assert texts(items(tmp_path / "gone.warc.gz")) == ["read.unavailable"]


@pytest.mark.parametrize("name", ["a.warc.gz", "a.jsonl", "a.tar", "a.zip", "a.parquet"])
def test_workers_share_a_container_without_gap_or_overlap(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.warc.gz":
        path.write_bytes(b"".join(gzip.compress(warc_record(n, html(t))) for n, t in enumerate(TEXTS)))
    elif name == "a.jsonl":
        path.write_text("\n".join(json.dumps({"text": text}) for text in TEXTS), "utf-8")
    elif name == "a.tar":
        path.write_bytes(tarred([(f"{n}.txt", text.encode()) for n, text in enumerate(TEXTS)]))
    elif name == "a.zip":
        zipped(path, {f"{n}.txt": text.encode() for n, text in enumerate(TEXTS)})
    else:
        parquet.write_table(pa.table({"text": TEXTS}), path)
    assert is_container(name)
    shares = [items(path, share=(part, 4)) for part in range(4)]
    assert sorted(item.path for share in shares for item in share) == sorted(item.path for item in items(path))
    assert [item.path for item in shares[1]] == [items(path)[1].path, items(path)[5].path]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        [".warc", ".warc.gz", ".warc.zst", ".jsonl.gz", ".jsonl.zst", ".tar.gz", ".tar.zst", ".zip", ".parquet"]
    ),
    st.data(),
)
def test_whatever_is_damaged_every_reader_ends_and_names_it(tmp_path_factory: Any, ending: str, data: Any) -> None:
    """Flip, cut or insert octets anywhere: an item is a page or a rejection, and reading ends."""
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / f"a{ending}"
    if "warc" in ending:
        pack = PACKERS[ending.removeprefix(".warc")]
        path.write_bytes(b"".join(pack(warc_record(n, html(t))) for n, t in enumerate(TEXTS[:3])))
    elif "jsonl" in ending:
        path.write_bytes(PACKERS[ending[6:]]("\n".join(json.dumps({"text": text}) for text in TEXTS).encode()))
    elif "tar" in ending:
        path.write_bytes(PACKERS[ending[4:]](tarred([(f"{n}.txt", text.encode()) for n, text in enumerate(TEXTS)])))
    elif "zip" in ending:
        zipped(path, {f"{n}.txt": text.encode() for n, text in enumerate(TEXTS)})
    else:
        parquet.write_table(pa.table({"text": TEXTS}), path)
    octets = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(octets) - 1)))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "drop"])):
            case "flip":
                octets[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
            case "cut":
                del octets[at:]
            case "insert":
                octets[at:at] = data.draw(st.binary(max_size=20))
            case "drop":
                del octets[at : at + data.draw(st.integers(1, 60))]
    path.write_bytes(octets)
    found = items(path)
    assert len(found) >= 1
    assert len({item.path for item in found}) == len(found)
    for item in found:
        if isinstance(item.octets, Rejection):
            assert item.octets.detail


def test_a_title_that_the_text_begins_with_stands_once_where_it_is_damaged_too() -> None:
    row = {"title": "清\ud800文", "text": "清\ud800文\n正文"}
    assert raw_page_of(row, "news#0", Config()).octets == "清\ufffd文\n正文".encode()


def test_half_a_surrogate_pair_in_json_reaches_no_table(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text('{"text": "清文\\ud800", "url": "http://n.example/\\ud800"}\n{"\\ud800": 1}\n', "utf-8")
    page, other = items(path)
    assert (page.octets, page.url) == ("清文\ufffd".encode(), "http://n.example/\ufffd")
    assert isinstance(other.octets, Rejection)
    assert "Its fields: \ufffd." in other.octets.detail
