"""A record in the form of the MNBVC corpus: a file with its paragraphs, each with its digest.

Names and types are those that https://github.com/X94521/DataCheck_MNBVC asks for (``CommonData``); what is counted how
follows https://github.com/aplmikex/deduplication_mnbvc (``convert.py``), which reads these rows again.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from hashlib import md5
from importlib import resources
from typing import Any

import numpy as np

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


# A file with a smaller share of distinct paragraphs is one to look at. The corpus's converter asks for .5 by default;
# higher marks poems and lists.
_MIN_DISTINCT = 0.5

_BITS = 64

_DAYS = ("minute", "day")


def mnbvc(row: Mapping[str, Any], *, title: bool = False) -> dict[str, Any]:
    """Return a record as a file of the MNBVC corpus.

    The file's name is the record's ``source_path``, its size that of the text in UTF-8, its day that of publication,
    else of the crawl, else empty. It counts as repeated where another record stands for its cluster. Whether a
    paragraph stands in other files, and which are of low quality, is not told: no and none. All columns but the text
    are in its extension, a string of JSON.
    """
    text = text_of(row, title)
    lines = [line for line in text.split("\n") if line.strip()]
    digests = [md5(line.encode(), usedforsecurity=False).hexdigest() for line in lines]
    distinct = dict.fromkeys(digests)
    rest = plain(row)
    del rest["text"]
    return _named(
        "file",
        name=row["source_path"],
        to_check=len(distinct) < _MIN_DISTINCT * len(lines),
        repeated=row["duplicate_of"] is not None,
        size=len(text.encode()),
        simhash=simhash(distinct),
        longest=max(map(len, lines), default=0),
        paragraphs=len(lines),
        distinct=len(distinct),
        low_quality=0,
        lines=list(_paragraphs(lines, digests)),
        more=json.dumps(rest, ensure_ascii=False),
        day=_day(row),
    )


def simhash(digests: Iterable[str]) -> int:
    """Return the SimHash of features, given by their MD5 in hex: 64 bits, each set where it is in more than half.

    Equal to what the package ``simhash`` 2.1 makes of a list of texts.

    >>> simhash([md5(b"a").hexdigest()]) == int(md5(b"a").hexdigest()[16:], 16)
    True
    """
    octets = b"".join(bytes.fromhex(digest)[-_BITS // 8 :] for digest in digests)
    bits = np.unpackbits(np.frombuffer(octets, np.uint8).reshape(-1, _BITS // 8), axis=1)
    return int.from_bytes(np.packbits(2 * bits.sum(axis=0) > len(bits)).tobytes(), "big")


def _paragraphs(lines: Iterable[str], digests: Iterable[str]) -> Iterable[dict[str, Any]]:
    seen: set[str] = set()
    for n, (line, digest) in enumerate(zip(lines, digests, strict=True), 1):
        yield _named("paragraph", n=n, repeated=digest in seen, elsewhere=False, md5=digest, text=line, more="{}")
        seen.add(digest)


def _day(row: Mapping[str, Any]) -> str:
    when: datetime | None = row["published_at"] if row["published_precision"] in _DAYS else None
    if when is None and row["fetched_at"] is not None:
        when = row["fetched_at"].astimezone(BEIJING)
    return f"{when:%Y%m%d}" if when else ""


def _named(table: str, **values: Any) -> dict[str, Any]:
    return {name: values[key] for key, name in _names()[table].items()}


@lru_cache(maxsize=1)
def _names() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(resources.files("qingwen.dataset").joinpath("mnbvc.toml").read_text("utf-8"))
