"""RE2 runs the patterns of rows; the scanner finds in all lines of a page at once what searching each line finds."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import PAGES, SEED
from qingwen import Config, load_rules
from qingwen.model import Page, Segmented
from qingwen.read.page import read_page
from qingwen.rules.line_rules import VIEWS
from qingwen.rules.patterns import LinePattern, PatternError, compile_re2, repeats_without_end
from qingwen.segment.segment import segment
from qingwen.text.match_view import view
from qingwen.text.spans import Span

BOOK = load_rules()
CASES = [case for rule in BOOK.rules for case in (*rule.matches, *rule.spares, *rule.not_this)]
PIECES = [
    "版权", "所有", "来源", "：", ":", "记者", "400", "1 3 9", "微信", "薇 信", "QQ", " ", "\u3000", "\u200b", "&nbsp;", "2023-05-30",
    "10:30", "首页", ">", "|", "分享", "到", "相关", "文章", "广告", "。", "，", "(guó)", "國", "©", "Copyright", "编辑", "【", "】", "a",
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "line", "span"),
    [
        (LinePattern("^a|b"), "cb", (1, 2)),
        (LinePattern("ab|a"), "国ab", (1, 3)),
        (LinePattern("a", max_chars=3), "国国a", (2, 3)),
        (LinePattern("a", max_chars=3), "国国国a", None),
        (LinePattern("a", also=["b", "c$"]), "abc", (0, 1)),
        (LinePattern("a", also=["b", "c$"]), "ac", None),
        (LinePattern("^", also=["b"]), "ab", (0, 0)),
        (LinePattern("b"), "\ud800b", (1, 2)),
    ],
)
def test_a_pattern_finds_the_first_match_of_a_line_that_answers_all_questions(
    pattern: LinePattern, line: str, span: tuple[int, int] | None
) -> None:
    assert pattern.search(line) == span
    assert pickle.loads(pickle.dumps(pattern)).search(line) == span


def test_each_match_in_a_text_is_found_where_its_line_starts() -> None:
    text = "国a\na国"
    assert [text[start:end] for start, end in LinePattern("^a").spans(text)] == ["a"]
    assert list(LinePattern("a").spans(text)) == [(1, 2), (3, 4)]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a(?=b)", "(?=. RE2 has no look-arounds"),
        ("(?<!a)b", "(?<!. RE2 has no look-arounds"),
        ("(a)\\1", "invalid escape sequence: \\1"),
        ("a++b", "bad repetition operator: ++"),
        ("a{0,2000}", "invalid repetition size"),
        ("[一二\\w]", "\\w knows ASCII letters alone"),
        ("\\\\\\bGDP", "\\b knows ASCII letters alone"),
        ("(?:[^，。！？]{0,31}x){0,32}", "bound them closer"),
    ],
)
def test_what_re2_does_not_take_or_reads_otherwise_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(PatternError) as fault:
        compile_re2(pattern)
    assert says in str(fault.value)


def test_a_backslash_before_a_w_is_no_class() -> None:
    assert compile_re2("C:\\\\windows").search(b"C:\\windows")


def test_a_repeat_without_an_end_is_told_from_a_sign_and_from_a_bounded_one() -> None:
    endless = ["a+", "a*", "a+?", "(?:a)+", "a++", "[+]*", "a{2,}", "a{,}", "\\\\+", "[^]+]+", "a{1,2}b*"]
    bounded = [
        "a?",
        "a??",
        "a{1,2}",
        "a{1,2}+",
        "a{1,2}?",
        "a?+",
        "[*+]",
        "\\+\\*",
        "[^]+]",
        "[\\]+]",
        "\\{2,3",
        "(?:a|b)",
    ]
    assert [pattern for pattern in endless if not repeats_without_end(pattern)] == []
    assert [pattern for pattern in bounded if repeats_without_end(pattern)] == []


def test_all_white_space_of_a_line_is_white_space_to_re2_in_the_views_that_rules_use() -> None:
    spaces = [char for char in map(chr, range(0x110000)) if char.isspace() and char != "\n"]
    space = LinePattern("甲\\s乙")
    for kind in {rule.view for rule in BOOK.rules}:
        assert [hex(ord(char)) for char in spaces if not space.search(view(f"甲{char}乙", kind).text)] == []


def found(lines: list[str]) -> list[list[tuple[str, int, int]]]:
    return [[(hit.rule.id, hit.span.start, hit.span.end) for hit in hits] for hits in BOOK.hits_of(lines)]


def one_by_one(lines: list[str]) -> list[list[tuple[str, int, int]]]:
    """Search every rule in every line."""
    hits: list[list[tuple[str, int, int]]] = []
    for line in lines:
        seen = {kind: view(line, kind) for kind in VIEWS}
        spans = (
            (rule, rule.lines.search(seen[rule.view].text))
            for kind in VIEWS
            for rule in BOOK.rules
            if rule.view == kind
        )
        hits.append([])
        for rule, span in spans:
            if span is not None:
                raw = seen[rule.view].back(*span) if span[0] < span[1] else Span(0, len(line))
                hits[-1].append((rule.id, raw.start, raw.end))
    return hits


def test_the_cases_of_the_rules_are_found_alike() -> None:
    assert found(CASES) == one_by_one(CASES)
    assert found(CASES[::-1]) == one_by_one(CASES[::-1])


def test_the_lines_of_a_page_are_found_alike() -> None:
    for path in (SEED, *sorted(PAGES.glob("*.txt")), *sorted(PAGES.glob("*.html"))):
        page = read_page(str(path), Config())
        cut = segment(page, Config()) if isinstance(page, Page) else None
        if isinstance(cut, Segmented):
            lines = [cut.words(block) for block in cut.blocks]
            assert found(lines) == one_by_one(lines), path.name


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join).map(str.strip), max_size=6))
def test_made_lines_are_found_alike(lines: list[str]) -> None:
    assert found(lines) == one_by_one(lines)
