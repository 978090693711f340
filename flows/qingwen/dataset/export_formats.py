"""Turn a record into the forms of other corpora: plain JSON, Dolma, MNBVC.

MNBVC: names and types follow ``CommonData`` of https://github.com/X94521/DataCheck_MNBVC, counts follow ``convert.py``
of https://github.com/aplmikex/deduplication_mnbvc, which reads these rows.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from hashlib import md5
from importlib import resources
from typing import Any

import numpy as np

# The zone of `published_at`.
BEIJING = timezone(timedelta(hours=8))

# The default source of Dolma's rows.
SOURCE = "qingwen"


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return all columns of a record, dates in ISO 8601: publication in Beijing's time, crawl in UTC.

    >>> plain({"id": "a", "published_at": datetime(2022, 9, 29, 8, 30), "fetched_at": None})
    {'id': 'a', 'published_at': '2022-09-29T08:30:00+08:00', 'fetched_at': None}
    """
    return {name: _written(value) for name, value in row.items()}


def _written(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return (value if value.tzinfo else value.replace(tzinfo=BEIJING)).isoformat()


def text_of(row: Mapping[str, Any], title: bool) -> str:
    """Return a record's text; ``title`` adds the title, if there is one, as a line above it."""
    text: str = row["text"]
    return f"{row['title']}\n{text}" if title and row["title"] else text


def dolma(row: Mapping[str, Any], *, title: bool = False, source: str = SOURCE) -> dict[str, Any]:
    """Return a record as a document of Dolma's: id, text, source, added, created, metadata.

    ``added`` is the time of the crawl, ``created`` that of publication; unknown times are left out. All other columns
    are in ``metadata``. See docs/data-format.md of https://github.com/allenai/dolma.
    """
    rest = plain(row)
    made = {"id": rest.pop("id"), "text": text_of(row, title), "source": source}
    del rest["text"]
    for name, column in (("added", "fetched_at"), ("created", "published_at")):
        if (when := rest.pop(column)) is not None:
            made[name] = when
    return {**made, "metadata": rest}


# A file with a smaller share of distinct paragraphs is marked for a check, as the corpus's converter does by default;
# a higher share marks poems and lists.
_MIN_DISTINCT = 0.5

_BITS = 64

_DAYS = ("minute", "day", "address")


def mnbvc(row: Mapping[str, Any], *, title: bool = False) -> dict[str, Any]:
    """Return a record as a file of the MNBVC corpus.

    The file's name is the record's ``source_path``, its size that of the text in UTF-8, its day that of publication,
    else of the crawl, else empty. A record that is not its cluster's representative is marked as repeated. Repetition
    across files and low quality are not measured: false and 0. All columns but the text are in the extension, as JSON.
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
    """Return the 64-bit SimHash of features, given by their MD5 in hex: a bit is set if more than half have it.

    Equal to the package ``simhash`` 2.1 for a list of texts.

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
