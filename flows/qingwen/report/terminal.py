"""Styled lines on a terminal, plain ones elsewhere."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qingwen.report.explain import STYLES, Run

_WIDTH = 120


def printed(text: str) -> str:
    r"""Return a text with what does not print, or would steer a terminal, as it is escaped in Python.

    >>> printed("a\x1b[2Jb\u202e")
    'a\\x1b[2Jb\\u202e'
    """
    return "".join(char if _prints(char) else char.encode("unicode_escape").decode("ascii") for char in text)


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return how many of a thing there are, in words.

    >>> counted(1, "page"), counted(0, "page"), counted(2, "copy", "copies")
    ('1 page', '0 pages', '2 copies')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


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


@dataclass(frozen=True, slots=True)
class Table:
    """A table to print: names of columns, rows of cells; ``numbers`` are the columns set to the right.

    The last column takes what room is left, and goes on below.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[str] = frozenset()


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal, elsewhere as wide as COLUMNS says or 120 columns."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table as Made
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", _WIDTH)))
    made = Made(box=None, pad_edge=False, header_style="bold")
    for n, name in enumerate(table.names):
        last = n == len(table.names) - 1
        width = max(map(cell_len, [name, *(row[n] for row in table.rows)]))
        made.add_column(
            name,
            justify="right" if name in table.numbers else "left",
            no_wrap=not last,
            overflow="fold",
            min_width=None if last else width,
        )
    for row in table.rows:
        made.add_row(*(Text(printed(cell)) for cell in row))
    console.print(made)
