"""Print rows of the tables as they are written, by their ids: what a rule that an explanation names does, and why."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from qingwen.errors import SetupError
from qingwen.rules.book import extra_tables, shipped_tables

# The files of the rules that no table holds, by the first word of their ids.
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
    "structure": "label/block_stats.py",
    "title": "normalize/layout.py",
    "unicode": "normalize/unicode.py",
}


def rows_named(wanted: str, extra: Path | None = None) -> list[str]:
    """Return the row with the id ``wanted``, or else those whose ids begin with it, each under its table's name.

    Rows of the user's own tables (``extra``) follow the shipped ones.

    >>> rows_named("ad.contact-line")[0].splitlines()[:3]
    ['# ads.toml', '[[rule]]', 'id = "ad.contact-line"']

    Raises:
        SetupError: no row's id begins so; the message names ids like it, or the file that decides such rules.
        RuleError: the user's own tables cannot be read.
    """
    tables = [*shipped_tables(), *(extra_tables(extra) if extra else ())]
    every = [(name, row) for name, text in tables for row in _rows(text)]
    rows = [row for row in every if _id(row[1]) == wanted] or [row for row in every if _id(row[1]).startswith(wanted)]
    if not rows:
        raise SetupError(f"{wanted}: no row has this id. {_hint(wanted, [_id(text) for _, text in every])}")
    return [f"# {name}\n{row}" for name, row in rows]


def _hint(wanted: str, ids: Sequence[str]) -> str:
    kind, _, name = wanted.partition(".")
    near = get_close_matches(wanted, ids, cutoff=0.7)
    if not near and kind in DECIDED:
        return f"Rules of this kind that no table holds are decided in {DECIDED[kind]}."
    names = {id_.partition(".")[2]: id_ for id_ in ids}
    near = near or [names[one] for one in get_close_matches(name or kind, names)]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Ids begin with {', '.join(sorted({id_.partition('.')[0] for id_ in ids}))}, and a dot."


def _rows(text: str) -> list[str]:
    """Return the rows of a table as they are written, each with its sub-tables (clauses)."""
    parts = re.split(r"^(?=\[[^.\n]*$)", text, flags=re.MULTILINE)
    return [part.strip() for part in parts if part.startswith("[") and _id(part)]


def _id(row: str) -> str:
    stated = re.search(r"""^id ?= ?["']([^"'\n]{1,200})""", row, re.MULTILINE)
    return stated[1] if stated else ""
