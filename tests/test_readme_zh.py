"""README.zh.md says what README.md says: what can be compared without reading either is equal, section by section."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

import pytest

from conftest import ROOT

CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ITEM = re.compile(r"^\s*(\d+\.|-) ", re.MULTILINE)
CELL = re.compile(r"(?<!\\)\|")
# A minus belongs to a figure, a dash between two does not: "-20.6% to -2.8%", "8.2-10.7".
FIGURE = re.compile(r"((?:(?<![\w.%)])-)?(?:\d+(?:,\d{3})*(?:\.\d+)*|\.\d+))(?:\s?(million|billion|万|亿))?")
TIMES = {"million": 10**6, "billion": 10**9, "万": 10**4, "亿": 10**8}
READMES = ("README.md", "README.zh.md")


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, without code blocks and comments."""

    level: int
    heading: str
    text: str

    @property
    def anchor(self) -> str:
        """What GitHub makes of the heading: letters of any script stay, punctuation goes."""
        return re.sub(r"[^\w\- ]", "", self.heading.lower()).replace(" ", "-")

    @property
    def links(self) -> list[str]:
        """All targets but the two READMEs, which link to each other."""
        found = LINK.findall(INLINE.sub("", self.text))
        return [target for target in found if target.partition("#")[0] not in READMES]

    @property
    def tables(self) -> list[list[str]]:
        found = re.findall(r"(?:^\|.*\n?)+", self.text, re.MULTILINE)
        return [table.splitlines() for table in found]


def sections_of(text: str) -> list[Section]:
    _, *parts = HEADING.split(COMMENT.sub("", CODE.sub("", text)))
    return [Section(len(parts[n]), parts[n + 1], parts[n + 2]) for n in range(0, len(parts), 3)]


def figures(text: str) -> Counter[str]:
    """How often each figure stands in a text, outside code and targets; 10 million is 1,000 万."""
    words = re.sub(r"\]\([^)\s]+\)", "]", INLINE.sub("", text))
    found = ((number.replace(",", ""), unit) for number, unit in FIGURE.findall(words))
    return Counter(f"{Decimal(number) * TIMES[unit]:f}" if unit else number for number, unit in found)


def inline_code(text: str) -> set[str]:
    return {" ".join(code.split()) for code in INLINE.findall(text)}


def places(section: Section, sections: Sequence[Section]) -> list[int]:
    """Which headings the anchors of a section lead to, by their numbers; -1 where there is none."""
    anchors = [other.anchor for other in sections]
    found = [target[1:] for target in section.links if target.startswith("#")]
    return sorted(anchors.index(anchor) if anchor in anchors else -1 for anchor in found)


ENGLISH_TEXT, CHINESE_TEXT = ((ROOT / name).read_text("utf-8") for name in READMES)
ENGLISH, CHINESE = sections_of(ENGLISH_TEXT), sections_of(CHINESE_TEXT)
PAIRS = [
    pytest.param(one, other, id=one.heading.replace(" ", "-")) for one, other in zip(ENGLISH, CHINESE, strict=False)
]
both = pytest.mark.parametrize(("english", "chinese"), PAIRS)


def test_both_have_headings_of_the_same_levels_in_the_same_order() -> None:
    pairs = zip_longest(ENGLISH, CHINESE)
    apart = [pair for pair in pairs if None in pair or pair[0].level != pair[1].level]
    assert not apart, f"The first that have no partner: {[part and part.heading for part in apart[0]]}"


def test_code_blocks_are_equal_to_the_letter() -> None:
    # The charts are drawn into README.md alone, from the code.
    english = [block for block in CODE.findall(ENGLISH_TEXT) if block[0] != "mermaid"]
    assert CODE.findall(CHINESE_TEXT) == english


@both
def test_tables_have_the_same_rows_and_columns(english: Section, chinese: Section) -> None:
    def shape(section: Section) -> list[list[int]]:
        return [[len(CELL.findall(row)) - 1 for row in table] for table in section.tables]

    assert shape(chinese) == shape(english)


@both
def test_a_row_holds_the_same_figures_and_the_same_code(english: Section, chinese: Section) -> None:
    for ours, theirs in zip(english.tables, chinese.tables, strict=True):
        for row, other in zip(ours, theirs, strict=True):
            assert figures(other) == figures(row), row
            assert inline_code(other) == inline_code(row), row


@both
def test_lists_have_the_same_items(english: Section, chinese: Section) -> None:
    assert ITEM.findall(chinese.text) == ITEM.findall(english.text)


@both
def test_a_section_holds_the_same_figures(english: Section, chinese: Section) -> None:
    ours, theirs = (figures(section.heading + section.text) for section in (english, chinese))
    assert theirs == ours, f"English alone: {dict(ours - theirs)}. Chinese alone: {dict(theirs - ours)}."


@both
def test_a_section_holds_the_same_code_in_its_lines(english: Section, chinese: Section) -> None:
    assert inline_code(chinese.text) == inline_code(english.text)


@both
def test_a_section_links_to_the_same_places(english: Section, chinese: Section) -> None:
    ours, theirs = (
        Counter(target for target in section.links if not target.startswith("#")) for section in (english, chinese)
    )
    assert theirs == ours
    assert places(chinese, CHINESE) == places(english, ENGLISH)


@both
def test_an_anchor_leads_to_a_heading(english: Section, chinese: Section) -> None:
    assert -1 not in places(english, ENGLISH)
    assert -1 not in places(chinese, CHINESE)


def test_the_two_link_to_each_other_under_their_titles() -> None:
    assert ENGLISH[0].text.strip().startswith("[中文](README.zh.md)\n")
    assert CHINESE[0].text.strip().startswith("[English](README.md)\n")


def test_a_link_from_one_into_the_other_leads_to_a_heading() -> None:
    there = {name: {section.anchor for section in part} for name, part in zip(READMES, (ENGLISH, CHINESE), strict=True)}
    led = re.findall(r"\]\((README(?:\.zh)?\.md)#([^)]+)\)", ENGLISH_TEXT + CHINESE_TEXT)
    assert ("README.md", "architecture") in led
    assert [anchor for name, anchor in led if anchor not in there[name]] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10 million, 20,000", "1,000 万；20000"),
        ("14 to 17 ms", "14–17 毫秒"),
        ("-0.14--0.02", "-0.14 至 -0.02"),
        ("8.2-10.7 of 2026-11-24", "2026-11-24 的 8.2～10.7"),
        ("5 to 8 %", "5%～8%"),
    ],
)
def test_a_figure_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert figures(one) == figures(other)


@pytest.mark.parametrize(("one", "other"), [(".968", ".986"), ("-2", "2"), ("3 and 3", "3"), ("10 million", "10 万")])
def test_another_figure_is_another(one: str, other: str) -> None:
    assert figures(one) != figures(other)
