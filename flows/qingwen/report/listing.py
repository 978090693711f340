"""Records and rejections as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qingwen.report.terminal import Table

# So many digits of an id tell pages apart, as in git.
_DIGITS = 8
_SITE = 20


def record_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return what one wants to see first of each record: id, date, site, length, share removed, repairs, title."""
    names = ("id", "published", "site", "characters", "removed", "repairs", "flags", "title")
    cells = [
        (
            row["id"][:_DIGITS],
            _published(row),
            _cut(row["site"] or row["source_name"] or ""),
            str(row["n_chars"]),
            f"{row['removed_ratio']:.0%}",
            str(row["n_repairs"]),
            str(len(row["flags"])),
            row["title"],
        )
        for row in rows
    ]
    return Table(names, cells, frozenset({"characters", "removed", "repairs", "flags"}))


def rejection_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return why each page is no article, by which rule, and where it came from."""
    names = ("id", "rule", "path", "detail")
    return Table(names, [(row["page_id"][:_DIGITS], row["rule"], row["source_path"], row["detail"]) for row in rows])


def _published(row: Mapping[str, Any]) -> str:
    """Return the day or, where no day is known, what the page prints."""
    when = row["published_at"]
    return f"{when:%Y-%m-%d}" if when is not None else _cut(row["published_raw"] or "")


def _cut(text: str) -> str:
    return text if len(text) <= _SITE else f"{text[: _SITE - 1]}…"
