"""Rows of JSON Lines and Parquet files to items: a page in a field of text or of HTML, with the URL and date beside it.

Which fields hold what is an option (`Config.text_field` and its like); without it the names that crawlers give them are
tried in order. A dot leads into a structure (``metadata.url``). A title that stands in a field of its own goes before
the text, on a line of its own, unless the text begins with it.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import IO, Any

from qingwen.config import Config
from qingwen.model import HTML, PLAIN, Rejection
from qingwen.read.open import FREE_BYTES, MOST_TIMES, open_raw, open_unpacked
from qingwen.read.page import Item, is_markup, raise_passing, refused, whole

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
# Each value of a line takes some 100 bytes when it is read; a page's own marks are counted with them.
_MOST_VALUES = 1_000_000
# Rows of a Parquet file that are read at once: so many, or as many as hold so many bytes.
_GROUP, _GROUP_BYTES = 256, 1 << 26
_MOST_BLANK = 1_000_000
_LONGEST_URL = 8_192
# Of so many fields the names stand in a detail, and so many characters of each.
_SHOWN = 40


def read_jsonl(path: str, config: Config) -> Iterator[Item]:
    """Yield the pages of a file of JSON objects, one a line; a blank line is none."""
    limit = _ESCAPED * config.max_page_bytes
    n = blank = 0
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
                    blank += 1
                    if blank > _MOST_BLANK:
                        raise EOFError(f"more than {_MOST_BLANK} lines are blank")
                    continue
                n += 1
    except (OSError, EOFError, zlib.error) as fault:
        raise_passing(fault)
        yield Item(f"{path}#{n}", refused(f"{path}#{n}", "read.damaged", f"From here on nothing can be read: {fault}."))


def _of_line(line: bytes, path: str, config: Config) -> Item:
    values = sum(map(line.count, (b",", b"[", b"{")))
    if values > _MOST_VALUES:
        said = f"The line has more than {_MOST_VALUES} commas and brackets, more than a page's."
        return Item(path, refused(path, "read.too-large", said, line))
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

    raw = open_raw(path)
    with raw:
        try:
            table = parquet.ParquetFile(raw, buffer_size=_CHUNK, read_dictionary=_texts(raw))
        except (OSError, ValueError, ArrowException) as fault:
            raise_passing(fault)
            yield Item(path, refused(path, "read.damaged", f"The file cannot be read as Parquet: {fault}."))
            return
        wanted = _columns(table.schema_arrow, config)
        left = FREE_BYTES + MOST_TIMES * raw.seek(0, io.SEEK_END)
        n = 0
        for group in range(table.num_row_groups):
            rows = table.metadata.row_group(group).num_rows
            done = 0
            try:
                for item in _rows(table, group, wanted, f"{path}#", n, config):
                    left -= config.max_page_bytes if isinstance(item.octets, Rejection) else len(item.octets)
                    if left < 0:
                        break
                    yield item
                    done += 1
            except (OSError, ValueError, ArrowException) as fault:
                raise_passing(fault)
                name = f"{path}#{n + done}"
                said = f"{rows - done} rows of a damaged group cannot be read: {fault}."
                yield Item(name, refused(name, "read.damaged", said))
            if left < 0:
                said = f"From here on nothing is read: it unpacks to more than {MOST_TIMES} times its size."
                yield Item(f"{path}#{n + done}", refused(f"{path}#{n + done}", "read.damaged", said))
                return
            n += rows


def _rows(table: Any, group: int, wanted: list[str], path: str, n: int, config: Config) -> Iterator[Item]:
    # Of a structure's texts each row has its own copy; one row at a time costs little beside cleaning it.
    flat = all(name in table.schema_arrow.names for name in wanted)
    at_once = _at_once(table.metadata.row_group(group)) if flat else 1
    for batch in table.iter_batches(at_once, row_groups=[group], columns=wanted, use_threads=False):
        for at in range(batch.num_rows):
            yield _of_row(batch, at, f"{path}{n}", config)
            n += 1


def _texts(raw: IO[bytes]) -> list[str]:
    """Return the columns of text: read as a dictionary, a text that a million rows repeat is held once."""
    from pyarrow import parquet

    schema = parquet.read_metadata(raw).schema
    raw.seek(0)
    columns = (schema.column(n) for n in range(len(schema)))
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _at_once(group: Any) -> int:
    """Return how many rows of a group to read at once, by what it says that they take."""
    size = max(1, group.total_byte_size // max(1, group.num_rows))
    return max(1, min(_GROUP, _GROUP_BYTES // int(size)))


def _columns(schema: Any, config: Config) -> list[str]:
    """Return the columns, and the fields of structures, that can hold what is asked for; no list does."""
    from pyarrow import types

    named = (config.text_field, config.html_field, config.url_field, config.date_field, config.title_field)
    kinds = {one.name: one.type for one in schema}
    found = []
    for field in dict.fromkeys(field for field in (*named, *_HTML, *_TEXT, *_URL, *_DATE, *_TITLE) if field):
        top = field if field in kinds else field.partition(".")[0]
        kind = kinds.get(top)
        if kind is not None and (types.is_struct(kind) if top != field else not types.is_nested(kind)):
            found.append(field)
    return found


def _of_row(batch: Any, at: int, path: str, config: Config) -> Item:
    row: dict[str, Any] = {}
    limit = _ESCAPED * config.max_page_bytes
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        value = column[at]
        if _size(value) > limit:
            said = f"The row's {name} has more than {limit} bytes ({_ESCAPED} times max_page_bytes)."
            return Item(path, refused(path, "read.too-large", said))
        try:
            row[name] = value.as_py()
        except UnicodeDecodeError as fault:
            return Item(path, refused(path, "read.damaged", f"The row's {name} cannot be read: {fault}."))
        except (ValueError, OverflowError):  # a date of the year 20000
            row[name] = None
    return to_item(row, path, config)


def _size(value: Any) -> int:
    """Return how many bytes the text, or the texts of a structure, in a cell take."""
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    octets = getattr(value, "as_buffer", getattr(getattr(value, "value", None), "as_buffer", lambda: None))()
    return 0 if octets is None else int(octets.size)


def to_item(row: Mapping[str, Any], path: str, config: Config) -> Item:
    """Return the page that a row holds, or why it holds none."""
    html = _first(row, (config.html_field,) if config.html_field else () if config.text_field else _HTML)
    text = _first(row, (config.text_field,) if config.text_field else () if config.html_field else _TEXT)
    page = html or text
    if page is None:
        known = ", ".join(name[:_SHOWN] for name in sorted(row)[:_SHOWN]) or "none"
        said = f"The row has no text. Its fields: {known}. Name the right one with text_field or html_field."
        return Item(path, refused(path, "read.no-text", said))
    url = _url(row, (config.url_field,) if config.url_field else _URL)
    when = _date(row, (config.date_field,) if config.date_field else _DATE)
    if isinstance(page, bytes):
        return Item(path, page, url, when, HTML if html else None)
    page = whole(page)
    # By its content, whatever the row's name ends with; and what is markup states its title itself.
    kind = HTML if html or is_markup(page) else PLAIN
    title = None if kind == HTML else _said(row, (config.title_field,) if config.title_field else _TITLE)
    if title and not page.lstrip().startswith(title.strip()):
        page = f"{title.strip()}\n{page}"
    return Item(path, page.encode(), url, when, kind, "utf-8")


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
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else found and whole(found)


def _url(row: Mapping[str, Any], fields: Sequence[str]) -> str | None:
    """Return the page's URL; what is longer than servers take is none."""
    url = _said(row, fields)
    return None if url is None or len(url) > _LONGEST_URL else url


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
            if isinstance(value, datetime):
                return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        except (ValueError, OverflowError, OSError):
            continue
    return None
