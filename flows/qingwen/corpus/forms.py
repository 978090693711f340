"""The forms that corpora keep their records in: a row of ``records`` as the object of one line of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

# What `published_at` is the time of.
BEIJING = timezone(timedelta(hours=8))
# The corpus that a row of Dolma's belongs to, where the user names none.
SOURCE = "qingwen"


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return all columns of a record, with dates in ISO 8601: of the page in Beijing's time, of the crawl in UTC.

    >>> plain({"id": "a", "published_at": datetime(2022, 9, 29, 8, 30), "fetched_at": None})
    {'id': 'a', 'published_at': '2022-09-29T08:30:00+08:00', 'fetched_at': None}
    """
    return {name: _written(value) for name, value in row.items()}


def _written(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return (value if value.tzinfo else value.replace(tzinfo=BEIJING)).isoformat()


def text_of(row: Mapping[str, Any], title: bool) -> str:
    """Return a record's text, on request with the title as a line above it; a page that states no title adds none."""
    text: str = row["text"]
    return f"{row['title']}\n{text}" if title and row["title"] else text


def dolma(row: Mapping[str, Any], *, title: bool = False, source: str = SOURCE) -> dict[str, Any]:
    """Return a record as a document of Dolma's: id, text, source, added, created, metadata.

    ``added`` is when the page was crawled, ``created`` when it was published; each is left out where it is unknown.
    All other columns are in ``metadata``. See docs/data-format.md of https://github.com/allenai/dolma.
    """
    rest = plain(row)
    made = {"id": rest.pop("id"), "text": text_of(row, title), "source": source}
    del rest["text"]
    for name, column in (("added", "fetched_at"), ("created", "published_at")):
        if (when := rest.pop(column)) is not None:
            made[name] = when
    return {**made, "metadata": rest}
