"""Progress: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from qingwen.review.terminal import show_progress


class Terminal(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_with_the_stage_and_the_pages_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with show_progress() as progress:
        progress("survey", 0, 0)
        progress("clean", 7, 20)
    assert "clean" in shown.getvalue()
    assert "7/20" in shown.getvalue()


class Gone(Terminal):
    """A standard error that was there."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "gone")

    def flush(self) -> None:
        raise ValueError("I/O operation on closed file.")


@pytest.mark.parametrize("on_terminal", [True, False])
def test_a_standard_error_that_cannot_be_written_ends_nothing(
    on_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(Gone, "isatty", lambda self: on_terminal)
    monkeypatch.setattr(sys, "stderr", Gone())
    with show_progress() as progress:
        progress("clean", 7, 20)
        progress("clean", 20, 20)


def test_elsewhere_the_end_of_a_stage_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress() as progress:
        progress("survey", 0, 0)
        progress("clean", 7, 20)
        progress("clean", 20, 20)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("clean: 20/20 pages, ")
