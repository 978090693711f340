"""Teasers are known by their shape, with no key word on the page."""

from __future__ import annotations

from qingwen import load_rules
from qingwen.label.block_stats import measure
from qingwen.segment.segment import segment_plain

SNIPPET = "甲乙丙丁戊己庚辛壬癸，" * 5


def shapes(lines: list[str]) -> list[str | None]:
    return [block.teaser for block in measure(segment_plain("\n".join(lines)), load_rules())]


def test_a_title_twice_and_a_snippet_cut_off_are_a_teaser() -> None:
    lines = ["正文的一段话。", "某地某事", "某地某事", SNIPPET + "..."]
    assert shapes(lines) == [None, "structure.teaser-title", "structure.teaser-title", "structure.teaser-snippet"]


def test_a_list_of_titles_with_snippets_is_a_list_of_teasers() -> None:
    lines = ["某地某事情", SNIPPET + "……", "另一件事情", SNIPPET + "...[查看全文]"]
    assert shapes(lines) == ["structure.teaser-title", "structure.teaser-snippet"] * 2


def test_an_article_that_trails_off_once_is_no_teaser() -> None:
    assert shapes(["小标题一句", SNIPPET + "……", "他没有再说下去。", SNIPPET + "。"]) == [None] * 4
