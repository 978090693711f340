"""Markup made to hold a parser up: each is read or refused with the limit that it passes, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import PAGES
from qingwen import Config, clean_page, restore
from qingwen.model import Cleaned, Page, Rejection
from qingwen.read.page import RawPage, page_of, read_page
from qingwen.segment import hostile_markup
from qingwen.segment.lexbor import segment_lexbor
from qingwen.segment.markup import TooDeepError
from qingwen.segment.segment import segment
from qingwen.segment.soup import segment_soup

NESTED = "div b font span table svg math select button form nobr optgroup template noscript details x-y".split()
REFUSED = {
    **{f"nested {tag}": (f"<{tag}>" * 100_000 + "文", "max_depth") for tag in NESTED},
    "a million tags": ("<p>" * 1_000_000, "max_tags"),
    "self-closed": ("<div/>" * 100_000, "max_depth"),
    "closed by another": ("<div></span>" * 100_000, "max_depth"),
    "closed beyond a cell": ("<div><table><td></div>" * 50_000, "max_depth"),
    "hidden in values": ('<div a="<>">' * 100_000, "max_depth"),
    "out of a drawing": ("<svg>" + "<div>" * 100_000, "max_depth"),
    "attributes": ("<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">文", "attributes"),
    "attributes without a space": ("<p " + "".join(f'a{n}="1"' for n in range(100_000)) + ">文", "attributes"),
    "attributes behind values": ("<p " + "".join(f'a{n}=">"' for n in range(100_000)) + ">文", "attributes"),
    "attributes of many bodies": ("".join(f"<body a{n}=1>" for n in range(50_000)), "times"),
    "formatting opened anew": ("<p>" + "".join(f"<b id={n}>" for n in range(1_000)) + "</p><p>x" * 3_000, "times"),
    "options": ("<select>" + "<option>x" * 100_000, "times"),
    "classes of a path": ("".join(f"<div class={'y' * 500}>文" for _ in range(1_900)), "max_path_chars"),
}
READ = {
    "entities": "<p>" + "&amp;" * 200_000,
    "unclosed comment": "<p>文" + "<!--" * 100_000,
    "a table of 100,000 columns": "<table><tr>" + "<td>文" * 100_000 + "</table>",
    "rowspans": "<table>" + "<tr><td rowspan=65534 colspan=1000>文" * 5_000 + "</table>",
    "a value of a million": "<p>文<p title='" + "x" * 1_000_000 + "'>",
    "a title of a million": "<title>" + "文" * 1_000_000,
    "links in links": "<a href=x>文" * 50_000,
    "zeros": "<p>文" + "\0" * 100_000,
    "CDATA": "<p>文<svg>" + "<![CDATA[" * 50_000,
    "plain text": "<p>文<plaintext>" + "<p>x" * 1_000,
    "end tags of nothing": "<p>文" + "</x>" * 100_000,
    "lone surrogates": "<p>\ud800文\udfff",
}


@pytest.mark.parametrize("name", REFUSED)
def test_markup_over_a_limit_is_refused_with_the_limit_before_it_is_parsed(name: str) -> None:
    markup, limit = REFUSED[name]
    for read in (segment_lexbor, segment_soup) if limit != "max_path_chars" else (segment_lexbor,):
        with pytest.raises(TooDeepError, match=limit):
            read(markup)


@pytest.mark.parametrize("name", READ)
def test_odd_markup_is_read_and_its_blocks_tile_the_text(name: str) -> None:
    found = segment_lexbor(READ[name])
    assert "".join(block.span.of(found.text) for block in found.blocks) == found.text
    found.text.encode()


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.html")), ids=lambda path: path.name)
def test_a_real_page_is_far_from_every_limit(path: Path) -> None:
    page = read_page(str(path), Config())
    assert isinstance(page, Page)
    hostile_markup._walk(page.text, hostile_markup._Elements(max_depth=200))


def test_what_a_script_or_a_comment_says_is_no_nesting() -> None:
    inside = "<div>" * 3_000
    for markup in (f"<script>'{inside}'</script>", f"<!--{inside}-->", f"<textarea>{inside}</textarea>"):
        hostile_markup._walk(markup, hostile_markup._Elements(max_depth=2_000))


@pytest.mark.parametrize(
    ("limit", "rule"), [("max_page_chars", "read.too-large"), ("max_text_chars", "segment.too-long")]
)
def test_a_page_over_a_limit_of_characters_is_a_rejection_that_names_it(limit: str, rule: str) -> None:
    octets = ("清文" * 600).encode()
    assert isinstance(page_of(RawPage("a.txt", octets), Config(**{limit: 1_200})), Page)
    found = clean_page(octets, config=Config(**{limit: 1_199}))
    assert isinstance(found, Rejection)
    assert (found.rule, limit in found.detail, "1200" in found.detail) == (rule, True, True)


@pytest.mark.parametrize("unit", ["()", ",", ",()", "(", "...", '"', "&amp;", "國(guó)", "扫码", "1", " 清", "\u200b"])
def test_a_line_of_one_thing_is_cleaned_and_given_back(unit: str) -> None:
    """8 KB of () took 48 seconds, 100 KB of commas minutes."""
    head = "清文新闻标题一则\n新华社北京5月30日电,这是一条正常的新闻,说了一件正常的事情,有头有尾,有名有姓.\n"
    octets = f"{head}记者1{unit * (20_000 // len(unit))}清说了.\n".encode()
    found = clean_page(octets)
    if isinstance(found, Cleaned):
        page = page_of(RawPage("", octets), Config())
        assert isinstance(page, Page)
        assert restore(found.record, found.blocks, found.edits) == segment(page, Config()).text  # type: ignore[union-attr]
    else:
        assert found.rule


@pytest.mark.parametrize(
    ("octets", "path"),
    [(b"<html>" + b"<div>" * 40 + "清文".encode(), "a.html"), ("清文\n".encode() * 40, "a.txt")],
    ids=["depth of markup", "blocks of a dump"],
)
def test_a_page_over_a_limit_of_structure_is_a_rejection_that_names_it(octets: bytes, path: str) -> None:
    found = clean_page(octets, source_path=path, config=Config(max_depth=30, max_blocks=39))
    assert isinstance(found, Rejection)
    assert (found.stage, found.rule) == ("segment", "segment.too-deep")
    assert "max_depth" in found.detail or "max_blocks" in found.detail


def test_a_page_that_shows_nothing_is_a_rejection() -> None:
    found = clean_page(
        b"<html><head><script>1</script></head><body><img src='a.png'></body></html>", source_path="a.html"
    )
    assert isinstance(found, Rejection)
    assert (found.stage, found.rule) == ("segment", "read.empty")
