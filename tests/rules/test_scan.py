"""The scanner finds, in all lines of a page at once, what searching every rule in every line finds."""

from __future__ import annotations

import re

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from conftest import PAGES, SEED
from qingwen import Config, load_rules
from qingwen.model import Page, Segmented
from qingwen.read.files import read_page
from qingwen.rules.scan import _search_of, relaxed
from qingwen.segment.pages import segment

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


@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_the_relaxed_pattern_matches_wherever_the_rule_does(rule: object) -> None:
    pattern: re.Pattern[str] = rule.pattern  # type: ignore[attr-defined]
    loose = re2.compile(f"(?m){relaxed(pattern.pattern)}")
    for case in CASES:
        if pattern.search(case):
            assert loose.search(case), case


@pytest.mark.parametrize(
    "pattern", ["^a|^b", "^a|b", "b|^a", "(?:^a|b)", "^(?:a|b)c", "^a\\|b|c", "[|]^a", "^(a(b|c))|d"]
)
@given(text=st.text(alphabet="abcd|", max_size=6))
def test_searching_only_where_a_pattern_can_match_finds_the_same(pattern: str, text: str) -> None:
    mine, plain = _search_of(re.compile(pattern))(text), re.search(pattern, text)
    assert (mine and mine.span()) == (plain and plain.span())
