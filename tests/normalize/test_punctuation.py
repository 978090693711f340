"""Folded punctuation goes back to full width; what is right as ASCII stays."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingwen import Config, load_rules
from qingwen.normalize.passes import Context, run
from qingwen.normalize.punctuation import looks_folded, widen_punctuation

TABLE = tomllib.loads((Path(__file__).parents[1] / "cases" / "punctuation.toml").read_text("utf-8"))


def widened(text: str, *, folded: bool) -> str:
    context = Context(Config(), load_rules(), folded=folded)
    return run({"body": text}, (widen_punctuation,), context).parts["body"]


@pytest.mark.parametrize("row", TABLE["case"], ids=lambda row: row["id"])
def test_a_folded_line_is_restored(row: dict[str, str]) -> None:
    assert widened(row["folded"], folded=True) == row["right"], row["why"]


@pytest.mark.parametrize("row", TABLE["case"], ids=lambda row: row["id"])
def test_a_restored_line_stays(row: dict[str, str]) -> None:
    assert widened(row["right"], folded=True) == row["right"]


def test_on_a_page_that_is_not_folded_only_a_mark_behind_han_is_widened() -> None:
    assert widened("他说,GDP,CPI(2021)都涨了（完）.", folded=False) == "他说，GDP,CPI(2021)都涨了（完）."


@given(st.text(alphabet='清文a1,.:;!?()"~- \n，。（）', max_size=40))
def test_widening_twice_is_widening_once_on_any_line(text: str) -> None:
    once = widened(text, folded=True)
    assert widened(once, folded=True) == once


def test_a_page_is_folded_by_its_commas() -> None:
    assert looks_folded("他说,他来," * 10, Config())
    assert not looks_folded("他说,他来," * 9, Config())
    assert not looks_folded("他说,他来," * 10 + "，" * 2, Config())


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (
            "代表们认为，报告求真务实。\n昨日(1月11日),项目开工(一期).",
            "代表们认为，报告求真务实。\n昨日（1月11日），项目开工（一期）。",
        ),
        ("他说，数据(2021)来自3,000人。", "他说，数据(2021)来自3,000人。"),
    ],
)
def test_a_line_is_folded_or_not_by_its_own_marks(text: str, right: str) -> None:
    assert widened(text, folded=False) == right


def flags_of(text: str) -> list[tuple[str, str]]:
    draft = run({"title": "", "body": text}, (widen_punctuation,), Context(Config(), load_rules(), folded=True))
    return [(flag.rule, flag.span.of(draft.parts["body"])) for flag in draft.flags]


@pytest.mark.parametrize("text", ["政策那么多,哪些跟...", "今年开工三项。...", "哪些跟... "])
def test_dots_where_a_text_was_cut_stay_and_are_flagged(text: str) -> None:
    assert widened(text, folded=True).rstrip().endswith("...")
    assert flags_of(text) == [("punct.cut-off", "...")]


@pytest.mark.parametrize("text", ["不料...雨停了。", "他沉默了......", "他说...\n众人点头。"])
def test_other_dots_become_an_ellipsis(text: str) -> None:
    assert "……" in widened(text, folded=True)
    assert flags_of(text) == []


def test_a_title_in_angles_and_an_odd_quote_are_flagged() -> None:
    assert flags_of('读完<红楼梦>,屏幕15.6",好') == [("punct.odd-quote", '"'), ("punct.angle", "<红楼梦>")]


@pytest.mark.parametrize("text", ['推出13"和15"两款笔记本,售价5999元起.', '屏幕由5.5"升级到6.1",分辨率更高.'])
def test_inch_marks_are_no_quotes(text: str) -> None:
    assert widened(text, folded=True).count('"') == 2
    assert {rule for rule, _ in flags_of(text)} == {"punct.odd-quote"}
