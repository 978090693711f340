"""Styled lines on a terminal, plain ones elsewhere."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable

from qingwen.report.explain import STYLES, Run


def printed(text: str) -> str:
    r"""Return a text with what does not print, or would steer a terminal, as it is escaped in Python.

    >>> printed("a\x1b[2Jb\u202e")
    'a\\x1b[2Jb\\u202e'
    """
    return "".join(char if _prints(char) else char.encode("unicode_escape").decode("ascii") for char in text)


def _prints(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def print_lines(lines: Iterable[list[Run]]) -> None:
    """Print the lines of an explanation: in colour on a terminal, with the marks alone elsewhere.

    What pages hold cannot steer the terminal.
    """
    if not sys.stdout.isatty():
        for line in lines:
            print("".join(printed(run.text) for run in line))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        text = Text()
        for run in line:
            text.append(printed(run.text), style=STYLES[run.style])
        console.print(text)
