"""Lines on a terminal: in colour, and never steered by what a page holds."""

from __future__ import annotations

import ast
import io
import sys
import unicodedata
from pathlib import Path

import pytest

from commands import qingwen
from conftest import PAGES
from qingwen import cli
from qingwen.cli.main import main
from qingwen.dataset import delta
from qingwen.dataset.location import location_of
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


def test_no_command_lets_a_page_steer_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a pipe goes the page as it is; on a terminal, what would steer it is escaped."""
    steering = "\x1b[2J\x07\u202e\x9b2J"
    page = tmp_path / f"a{steering[0]}.txt"
    text = (PAGES / "clean-dispatch.txt").read_text("utf-8")
    page.write_text(text.replace("。", f"。{steering}"), "utf-8")
    qingwen("clean", page, "-o", tmp_path / "news", "--no-prefect", "--runner", "inline")
    (record,) = delta.read(location_of(tmp_path / "news"), "records").to_pylist()
    news, run = str(tmp_path / "news"), next((tmp_path / "news/_runs").glob("*.json")).stem
    assert qingwen("restore", news, record["id"]).stdout == page.read_text("utf-8")
    foreign = tmp_path / "news/records/\x1b[2J.txt"
    foreign.write_text("mine", "utf-8")
    for command in (
        ["restore", news, record["id"]], ["explain", news, record["id"]], ["head", news], ["export", news],
        ["export", news, "--to", "dolma"], ["show", str(page)], ["show", str(page), "--format", "json"],
        ["explain", str(page)], ["changes", news, "--since", run], ["diff", news, news], ["report", news],
        ["diff", news, news, "--records"], ["vacuum", news, "--dry-run"], ["vacuum", news],
    ):  # fmt: skip
        shown = Terminal()
        monkeypatch.setattr(sys, "stdout", shown)
        monkeypatch.setenv("TERM", "dumb")
        assert main(command) == 0
        controls = [char for char in shown.getvalue() if char != "\n" and unicodedata.category(char) in ("Cc", "Cf")]
        assert set(controls) <= {"\t"}, command
        monkeypatch.undo()


def test_what_commands_print_goes_through_one_function() -> None:
    """Or through rich, whose cells are escaped; or it is the bytes of an export, into a pipe."""
    printing = [
        f"{path.name}:{node.lineno}"
        for path in sorted(Path(cli.__path__[0]).glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "print" and not node.keywords)
            or ast.unparse(node.func) in ("sys.stdout.write", "sys.stdout.writelines", "typer.echo")
        )
    ]
    assert len(printing) == 1, printing
    assert printing[0].startswith("exits.py:")


def test_white_space_of_any_width_prints_as_it_is() -> None:
    assert printed("甲\u3000乙\xa0丙\t") == "甲\u3000乙\xa0丙\\t"
