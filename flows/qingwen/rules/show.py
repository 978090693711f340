"""Rows of the tables as they are written, found by their ids: what a rule that an explanation names says and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qingwen.errors import SetupError
from qingwen.rules.book import extra_tables, shipped_tables

# Where the rules stand that are no rows, by the first word of their ids.
DECIDED = {
    "layout": "normalize/layout.py",
    "pinyin": "normalize/pinyin.py",
    "punct": "normalize/punctuation.py",
    "read": "read/",
    "reject": "metadata/quality.py",
    "rescue": "label/rescue.py",
    "script": "normalize/script.py",
    "segment": "segment/",
    "sequence": "label/labeller.py",
    "site": "label/labeller.py",
    "space": "normalize/spacing.py",
    "structure": "label/teasers.py",
    "title": "normalize/layout.py",
    "unicode": "normalize/unicode.py",
}


def rows_named(wanted: str, extra: Path | None = None) -> list[str]:
    """Return the rows whose ids are, or begin with, ``wanted``, each under its table's name, as they are written.

    Rows of one's own tables (``extra``) follow the shipped ones.

    >>> rows_named("ad.contact-line")[0].splitlines()[:3]
    ['# ads.toml', '[[rule]]', 'id = "ad.contact-line"']

    Raises:
        SetupError: no row's id begins so; the message says where such rules are decided.
        RuleError: one's own tables cannot be read.
    """
    tables = [*shipped_tables(), *(extra_tables(extra) if extra else ())]
    rows = [(name, row) for name, text in tables for row in _rows(text)]
    found = [f"# {name}\n{row}" for name, row in rows if _id(row) == wanted] or [
        f"# {name}\n{row}" for name, row in rows if _id(row).startswith(wanted)
    ]
    if not found:
        where = DECIDED.get(wanted.partition(".")[0])
        said = f"rules of this kind that are no rows are decided in {where}" if where else "see the tables in rules/"
        raise SetupError(f"{wanted}: no row has this id; {said}.")
    return found


def _rows(text: str) -> Iterator[str]:
    """Yield the rows of a table as they are written, each with its sub-tables (clauses)."""
    row: list[str] = []
    for line in text.splitlines():
        if line.startswith("[") and "." not in line:
            yield from _whole(row)
            row = []
        row.append(line)
    yield from _whole(row)


def _whole(lines: list[str]) -> Iterator[str]:
    row = "\n".join(lines).strip()
    if row.startswith("[") and _id(row):
        yield row


def _id(row: str) -> str:
    line = next((line for line in row.splitlines() if line.startswith(("id =", "id="))), "")
    return line.partition("=")[2].strip().strip("\"'")
