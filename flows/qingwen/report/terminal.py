"""Styled lines on a terminal, plain ones elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from qingwen.report.explain import STYLES, Run


def print_lines(lines: Iterable[list[Run]]) -> None:
    """Print the lines of an explanation: in colour on a terminal, with the marks alone elsewhere."""
    if not sys.stdout.isatty():
        for line in lines:
            print("".join(run.text for run in line))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        text = Text()
        for run in line:
            text.append(run.text, style=STYLES[run.style])
        console.print(text)
