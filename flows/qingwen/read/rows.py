"""Rows of JSON Lines and Parquet files to items: a page in a field of text or of HTML, with the URL and date beside it.

Which fields hold what is an option (`Config.text_field` and its like); without it the names that crawlers give them are
tried in order. A dot leads into a structure (``metadata.url``). A title that stands in a field of its own goes before
the text, on a line of its own, unless the text begins with it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from qingwen.config import Config
from qingwen.model import HTML
from qingwen.read.items import Item, raise_passing, refused
from qingwen.read.storage import open_raw, open_unpacked

JSONL_ENDINGS = tuple(f".{kind}{packed}" for kind in ("jsonl", "ndjson", "jl") for packed in ("", ".gz", ".zst"))
PARQUET_ENDINGS = (".parquet",)
# As news-please, Scrapy, datatrove and Common Crawl's tools name them.
_HTML = ("html", "raw_html", "page_html", "content_html")
_TEXT = ("text", "maintext", "content", "article", "body", "page_text")
_URL = ("url", "uri", "link", "source_url", "target_uri", "metadata.url")
_DATE = ("fetched_at", "date_download", "crawled_at", "crawl_date", "fetch_time", "timestamp", "metadata.date", "date")
_TITLE = ("title", "headline", "metadata.title")
# In JSON an escaped Chinese character takes six bytes.
_ESCAPED = 3
_CHUNK = 1 << 20
_GROUP = 256


def read_jsonl(path: str, config: Config) -> Iterator[Item]:
    """Yield the pages of a file of JSON objects, one a line; a blank line is none."""
    limit = _ESCAPED * config.max_page_bytes
    n = 0
    try:
        with open_unpacked(path) as stream:
            while line := stream.readline(limit + 1):
                name = f"{path}#{n}"
                if len(line) > limit:
                    while line and not line.endswith(b"\n"):
                        line = stream.readline(_CHUNK)
                    said = f"The line has more than {limit} bytes ({_ESCAPED} times max_page_bytes)."
                    yield Item(name, refused(name, "read.too-large", said))
                elif line.strip():
                    yield _of_line(line, name, config)
                else:
                    continue
                n += 1
    except (OSError, EOFError, zlib.error) as fault:
        raise_passing(fault)
        yield Item(f"{path}#{n}", refused(f"{path}#{n}", "read.damaged", f"From here on nothing can be read: {fault}."))


def _of_line(line: bytes, path: str, config: Config) -> Item:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as fault:
        return Item(path, refused(path, "read.damaged", f"The line is no JSON: {fault}.", line))
    if not isinstance(row, dict):
        return Item(path, refused(path, "read.damaged", "The line is no JSON object.", line))
    return to_item(row, path, config)


def read_parquet(path: str, config: Config) -> Iterator[Item]:
    """Yield the pages of a Parquet file; a group of rows that is damaged is one rejection."""
    from pyarrow import ArrowException, parquet

    try:
        raw = open_raw(path)
        table = parquet.ParquetFile(raw)
    except (OSError, ArrowException) as fault:
        raise_passing(fault)
        yield Item(path, refused(path, "read.damaged", f"The file cannot be read as Parquet: {fault}."))
        return
    with raw, table:
        wanted = _columns(table.schema_arrow.names, config)
        n = 0
        for group in range(table.num_row_groups):
            rows = table.metadata.row_group(group).num_rows
            done = 0
            try:
                for batch in table.iter_batches(_GROUP, row_groups=[group], columns=wanted, use_threads=False):
                    for row in batch.to_pylist():
                        yield to_item(row, f"{path}#{n + done}", config)
                        done += 1
            except (OSError, ValueError, ArrowException) as fault:  # ValueError: text that is no UTF-8
                raise_passing(fault)
                name = f"{path}#{n + done}"
                said = f"{rows - done} rows of a damaged group cannot be read: {fault}."
                yield Item(name, refused(name, "read.damaged", said))
            n += rows


def _columns(names: Sequence[str], config: Config) -> list[str]:
    fields = (config.text_field, config.html_field, config.url_field, config.date_field, config.title_field)
    wanted = {field.partition(".")[0] for field in (*fields, *_HTML, *_TEXT, *_URL, *_DATE, *_TITLE) if field}
    return [name for name in names if name in wanted]


def to_item(row: Mapping[str, Any], path: str, config: Config) -> Item:
    """Return the page that a row holds, or why it holds none."""
    html = _first(row, (config.html_field,) if config.html_field else () if config.text_field else _HTML)
    text = _first(row, (config.text_field,) if config.text_field else () if config.html_field else _TEXT)
    page = html or text
    if page is None:
        known = _writable(", ".join(sorted(row)) or "none")
        said = f"The row has no text. Its fields: {known}. Name the right one with text_field or html_field."
        return Item(path, refused(path, "read.no-text", said))
    url = _said(row, (config.url_field,) if config.url_field else _URL)
    when = _date(row, (config.date_field,) if config.date_field else _DATE)
    kind = HTML if html else None
    if isinstance(page, bytes):
        return Item(path, page, url, when, kind)
    title = None if html else _said(row, (config.title_field,) if config.title_field else _TITLE)
    if title and not page.lstrip().startswith(title.strip()):
        page = f"{title.strip()}\n{page}"
    return Item(path, page.encode("utf-8", "replace"), url, when, kind, "utf-8")


def _value(row: Mapping[str, Any], field: str) -> Any:
    if field in row:
        return row[field]
    found: Any = row
    for name in field.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _first(row: Mapping[str, Any], fields: Sequence[str]) -> str | bytes | None:
    """Return the first of the fields that holds text, or bytes of a page in whatever encoding."""
    values = (_value(row, field) for field in fields)
    return next((value for value in values if isinstance(value, str | bytes) and value.strip()), None)


def _said(row: Mapping[str, Any], fields: Sequence[str]) -> str | None:
    found = _first(row, fields)
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else _writable(found) if found else None


def _writable(text: str) -> str:
    """Return a text without the halves of surrogate pairs that JSON may hold and no table takes."""
    return text.encode("utf-8", "replace").decode()


def _date(row: Mapping[str, Any], fields: Sequence[str]) -> datetime | None:
    """Return the first date that can be read: ISO 8601, or seconds since 1970; one without a zone is UTC."""
    for field in fields:
        value = _value(row, field)
        try:
            if isinstance(value, str):
                value = datetime.fromisoformat(value.strip())
            elif isinstance(value, int | float) and not isinstance(value, bool):
                value = datetime.fromtimestamp(value, UTC)
            elif isinstance(value, date) and not isinstance(value, datetime):
                value = datetime(value.year, value.month, value.day)
        except (ValueError, OverflowError, OSError):
            continue
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return None
