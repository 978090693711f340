"""Lines on a terminal: in colour, and never steered by what a page holds."""

from __future__ import annotations

import io
import sys

import pytest

from qingwen.review.explain import REMOVED, Run
from qingwen.review.terminal import print_lines, printed

LINES = [[Run("- ", REMOVED), Run("广告\x1b[2J\u202e", REMOVED), Run(" 正文")]]


class Terminal(io.StringIO):
    """A standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_lines_have_their_styles_and_nothing_of_a_page_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    print_lines(LINES)
    text = shown.getvalue()
    assert "\x1b[9;31m" in text  # struck out, red
    assert "正文" in text
    assert "\x1b[2J" not in text
    assert r"广告\x1b[2J\u202e" in text


def test_elsewhere_the_marks_alone_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(LINES)
    assert capsys.readouterr().out == "- 广告\\x1b[2J\\u202e 正文\n"


def test_white_space_of_any_width_prints_as_it_is() -> None:
    assert printed("甲\u3000乙\xa0丙\t") == "甲\u3000乙\xa0丙\\t"
