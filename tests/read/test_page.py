"""Files: what is read, and why something is not."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pytest

from qingwen import Config
from qingwen.errors import SetupError
from qingwen.model import HTML, Page, Rejection
from qingwen.read.containers import page_on
from qingwen.read.inputs import list_sources
from qingwen.read.page import is_markup, page_id, page_of, read_page
from qingwen.read.table_rows import raw_page_of

TEXT = "清文" * 30


def rule_of(path: Path, config: Config | None = None) -> str:
    found = read_page(str(path), config or Config())
    assert isinstance(found, Rejection), found
    assert found.stage == "read"
    assert found.detail.endswith(".")
    return found.rule


def test_a_page_is_known_by_the_digest_of_its_bytes_packed_or_not(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    plain, packed = (read_page(str(tmp_path / name), Config()) for name in ("a.txt", "a.txt.gz"))
    assert isinstance(plain, Page)
    assert isinstance(packed, Page)
    assert plain.id == packed.id == page_id(TEXT.encode())
    assert plain.text == packed.text == TEXT


@pytest.mark.parametrize(
    ("name", "octets", "rule"),
    [
        ("empty.txt", b"", "read.empty"),
        ("blank.txt", b" \n\t", "read.empty"),
        ("a.txt", b"%PDF-1.7 abc", "read.binary"),
        ("b.txt", b"ab\x00cd\x01\x00" * 40, "read.binary"),
        ("c.txt.gz", b"no gzip at all", "read.unreadable"),
        ("d.txt.gz", gzip.compress(b"abc" * 9000, mtime=0)[:-12], "read.unreadable"),
    ],
)
def test_what_is_no_text_is_rejected_with_the_reason(tmp_path: Path, name: str, octets: bytes, rule: str) -> None:
    (tmp_path / name).write_bytes(octets)
    assert rule_of(tmp_path / name) == rule


def test_a_page_over_the_limit_is_rejected_also_when_it_is_packed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 2000)
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"x" * 2000))
    for name in ("a.txt", "b.txt.gz"):
        assert rule_of(tmp_path / name, Config(max_page_bytes=1999)) == "read.too-large"


def test_a_missing_file_and_a_folder_are_unreadable(tmp_path: Path) -> None:
    assert rule_of(tmp_path / "gone.txt") == "read.unavailable"
    assert rule_of(tmp_path) == "read.unreadable"


@pytest.mark.parametrize(
    "head",
    [
        "<!DOCTYPE html>", "\ufeff<!doctype html>", "<html>", "<HEAD><title>甲</title></HEAD>", "<body>", "<meta charset=utf-8>",
        "\r\n  <div>", "<p>", "<p\nclass=a>", "<br/>", "</div>", "<script>a()</script>", "<!-- 保存于 2023 -->\n<html>",
        '<font color="#0A0A6C"><p>', "<a href=/>首页</a><ul><li>", '<?xml version="1.0"?><!DOCTYPE html><html>',
    ],
)  # fmt: skip
def test_a_text_that_begins_with_a_tag_a_comment_or_a_doctype_is_html(head: str) -> None:
    text = f"{head}<p>{'一要以最快的速度行动，各部门连夜部署。' * 4}</p><p>第二段，记者说。</p>"
    row = raw_page_of({"text": text, "title": "甲"}, "x#0", Config())
    stated = [page_of(row, Config()), page_on(io.BytesIO(text.encode()), Config())]
    assert [page.media_type for page in stated if isinstance(page, Page)] == [HTML, HTML]


@pytest.mark.parametrize(
    "text",
    [
        "<甲> 乙",
        "<3 新闻",
        "< p >",
        "<b>重要</b>\n第一段。\n第二段。",
        "甲\n<p>乙</p>",
        "<?xml version='1.0'?><rss><p>",
        "<a@b.cn>",
    ],
)
def test_other_texts_are_dumps(text: str) -> None:
    assert not is_markup(text)


def test_markup_in_a_text_file_is_read_as_markup(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("<!DOCTYPE html>\n<html><body>" + TEXT, "utf-8")
    found = read_page(str(tmp_path / "a.txt"), Config())
    assert isinstance(found, Page)
    assert found.media_type == "text/html"


def test_files_folders_and_globs_are_listed_once_and_in_order(tmp_path: Path) -> None:
    for name in ("b.html", "a.txt", "sub/c.htm.gz", "sub/d.pdf", ".hidden.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", "utf-8")
    listed = [source.path for source in list_sources([str(tmp_path), str(tmp_path / "*.txt"), str(tmp_path / "a.txt")])]
    assert listed == [str(tmp_path / name) for name in ("a.txt", "b.html", "sub/c.htm.gz")]


def test_paths_stay_as_the_user_gave_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("x", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert [source.path for source in list_sources(["in"])] == ["in/a.txt"]


@pytest.mark.parametrize("name", ["*.txt", "gone.txt", "gone/*.txt", "**/gone", ""])
def test_an_input_that_matches_nothing_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="nothing to read"):
        list_sources([str(tmp_path / name)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_can_be_read_another_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x", "utf-8")
    path.chmod(0)
    assert rule_of(path) == "read.unavailable"
