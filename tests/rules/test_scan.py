"""The scanner finds, in all lines of a page at once, what searching every rule in every line finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import PAGES, SEED
from qingwen import Config, load_rules
from qingwen.model import Page, Segmented
from qingwen.read.page import read_page
from qingwen.segment.segment import segment

BOOK = load_rules()
CASES = [case for rule in BOOK.rules for case in (*rule.matches, *rule.spares, *rule.not_this)]
PIECES = [
    "版权", "所有", "来源", "：", ":", "记者", "400", "1 3 9", "微信", "薇 信", "QQ", " ", "\u3000", "\u200b", "&nbsp;", "2023-05-30",
    "10:30", "首页", ">", "|", "分享", "到", "相关", "文章", "广告", "。", "，", "(guó)", "國", "©", "Copyright", "编辑", "【", "】", "a",
]  # fmt: skip


def found(lines: list[str]) -> list[list[tuple[str, int, int]]]:
    return [[(hit.rule.id, hit.span.start, hit.span.end) for hit in hits] for hits in BOOK.hits_of(lines)]


def one_by_one(lines: list[str]) -> list[list[tuple[str, int, int]]]:
    return [[(hit.rule.id, hit.span.start, hit.span.end) for hit in BOOK.hits(line)] for line in lines]


def test_the_cases_of_the_rules_are_found_alike() -> None:
    assert found(CASES) == one_by_one(CASES)
    assert found(CASES[::-1]) == one_by_one(CASES[::-1])


@pytest.mark.parametrize(
    "path", [SEED, *sorted(PAGES.glob("*.txt")), *sorted(PAGES.glob("*.html"))], ids=lambda p: p.name
)
def test_the_lines_of_a_page_are_found_alike(path: object) -> None:
    page = read_page(str(path), Config())
    cut = segment(page, Config()) if isinstance(page, Page) else None
    if isinstance(cut, Segmented):
        lines = [cut.words(block) for block in cut.blocks]
        assert found(lines) == one_by_one(lines)


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join).map(str.strip), max_size=6))
def test_made_lines_are_found_alike(lines: list[str]) -> None:
    assert found(lines) == one_by_one(lines)
