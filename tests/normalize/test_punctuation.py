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
