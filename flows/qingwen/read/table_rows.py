"""Read the pages of JSON Lines and Parquet files: a row is a page, in a field of text or HTML.

`Config.text_field` and its like name the fields; without them the names that crawlers use are tried in order. A dot
leads into a structure (``metadata.url``). A title in a field of its own goes before the text, on its own line, unless
the text begins with it.
"""

import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import islice
from typing import IO, Any

from qingwen.config import Config
from qingwen.errors import SetupError
from qingwen.model import HTML, PLAIN, ROW_AUTHORS, ROW_PUBLISHED, ROW_SITE, Rejection
from qingwen.read.open import BOMB, FREE_DECOMPRESSED_BYTES, MAX_DECOMPRESSION_RATIO, open_raw, open_unpacked
from qingwen.read.page import RawPage, is_markup, raise_temporary, rejected, without_surrogates

JSONL_ENDINGS = tuple(f".{kind}{packed}" for kind in ("jsonl", "ndjson", "jl") for packed in ("", ".gz", ".zst"))
PARQUET_ENDINGS = (".parquet",)
# As news-please, Scrapy, datatrove and Common Crawl's tools name them.
_HTML_FIELDS = ("html", "raw_html", "page_html", "content_html")
_TEXT_FIELDS = ("text", "maintext", "content", "article", "body", "page_text")
_URL_FIELDS = ("url", "uri", "link", "source_url", "target_uri", "metadata.url")
_DATE_FIELDS = (
    "fetched_at",
    "date_download",
    "crawled_at",
    "crawl_date",
    "fetch_time",
    "timestamp",
    "metadata.date",
    "date",
)
_TITLE_FIELDS = ("title", "headline", "metadata.title")
# What a row states of its article; news-please and newspaper name them so.
_PUBLISHED_FIELDS = (
    "date_publish",
    "date_published",
    "datePublished",
    "publish_date",
    "published_at",
    "published_date",
    "published_time",
    "publish_time",
    "published",
    "pub_date",
    "pubdate",
)
_AUTHOR_FIELDS = ("authors", "author", "byline")
_SITE_FIELDS = ("source_domain", "site", "domain", "sitename")
_STATED_FIELDS = (*_PUBLISHED_FIELDS, *_AUTHOR_FIELDS, *_SITE_FIELDS)
_MOST_STATED_CHARS = 200
# In JSON an escaped Chinese character takes six bytes, three times those of UTF-8.
_MAX_ROW_RATIO = 3
_CHUNK = 1 << 20
# Each value of a line takes some 100 bytes of memory. Commas and brackets are counted, also those of the page itself.
_MAX_LINE_VALUES = 1_000_000
_MAX_BLANK_LINES = 1_000_000
# Rows of a Parquet file that are read at once: so many, or as many as hold so many bytes.
_MAX_BATCH_ROWS, _MAX_BATCH_BYTES = 256, 1 << 26
# What a row without a text counts of them.
_BYTES_WITHOUT_TEXT = 1_000
_MAX_URL_CHARS = 8_192
# A detail names so many fields, and so many characters of each.
_MAX_NAMED_FIELDS = 40
_NAME_IT = "Name the right one with text_field or html_field."
# Rows of a file of JSON Lines in which a field that the user named is looked for.
_LOOKED_AT = 100


def check_fields(paths: Iterable[str], config: Config) -> None:
    """Check that each field that the configuration names is in some file: in a column, or in its first rows.

    Raises:
        SetupError: one is in none of the files; the message names the fields that are there.
    """
    names = ("text_field", "html_field", "url_field", "date_field", "title_field")
    missing = {name: field for name in names if (field := getattr(config, name))}
    fields, example = set[str](), ""
    for path in paths if missing else ():
        for row in _first_rows(path):
            example = example or path
            fields.update(row)
            missing = {name: field for name, field in missing.items() if not _has(row, field)}
        if not missing:
            return
    for name, field in missing.items() if fields else ():
        option = f"--{name.replace('_', '-')}"
        raise SetupError(f"{option} {field}: no row has this field. The fields in {example} are {_named(fields)}.")


def _first_rows(path: str) -> Iterator[Mapping[str, Any]]:
    """Yield the first rows of a file, of Parquet one row of its columns; a file that cannot be read has none."""
    from pyarrow import ArrowException, parquet

    with suppress(OSError, EOFError, ValueError, RecursionError, zlib.error, ArrowException):
        if path.lower().endswith(PARQUET_ENDINGS):
            with open_raw(path) as raw:
                yield _columns_below(parquet.read_schema(raw))
        elif path.lower().endswith(JSONL_ENDINGS):
            with open_unpacked(path) as stream:
                for line in islice(iter(lambda: stream.readline(_CHUNK), b""), _LOOKED_AT):
                    with suppress(ValueError):
                        row = json.loads(line)
                        if isinstance(row, dict):
                            yield row


def _columns_below(columns: Any) -> dict[str, Any]:
    """Return the names of columns, each with those of its structure."""
    from pyarrow import types

    return {one.name: _columns_below(one.type) if types.is_struct(one.type) else None for one in columns}


def _has(row: Mapping[str, Any], field: str) -> bool:
    first, _, rest = field.partition(".")
    below = row.get(first)
    return field in row or (bool(rest) and isinstance(below, Mapping) and _has(below, rest))


def read_jsonl(path: str, config: Config) -> Iterator[RawPage]:
    """Yield the pages of a file of JSON objects, one a line; blank lines are skipped."""
    limit = _MAX_ROW_RATIO * config.max_page_bytes
    n = blank = 0
    try:
        with open_unpacked(path) as stream:
            while line := stream.readline(limit + 1):
                name = f"{path}#{n}"
                if len(line) > limit:
                    while line and not line.endswith(b"\n"):
                        line = stream.readline(_CHUNK)
                    detail = f"The line has more than {limit} bytes ({_MAX_ROW_RATIO} times max_page_bytes)."
                    yield rejected(name, "read.too-large", detail)
                elif line.strip():
                    yield _of_line(line, name, config)
                else:
                    blank += 1
                    if blank > _MAX_BLANK_LINES:
                        raise EOFError(f"more than {_MAX_BLANK_LINES} lines are blank")
                    continue
                n += 1
    except (OSError, EOFError, zlib.error) as fault:
        raise_temporary(fault)
        yield rejected(f"{path}#{n}", "read.damaged", f"From here on nothing can be read: {fault}.")


def _of_line(line: bytes, path: str, config: Config) -> RawPage:
    if sum(map(line.count, (b",", b"[", b"{"))) > _MAX_LINE_VALUES:
        detail = f"The line has more than {_MAX_LINE_VALUES} commas and brackets, more than a page's."
        return rejected(path, "read.too-large", detail, line)
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as fault:
        return rejected(path, "read.damaged", f"The line is no JSON: {fault}.", line)
    if not isinstance(row, dict):
        return rejected(path, "read.damaged", "The line is no JSON object.", line)
    return raw_page_of(row, path, config)


def read_parquet(path: str, config: Config) -> Iterator[RawPage]:
    """Yield the pages of a Parquet file; a damaged group of rows is one rejection."""
    from pyarrow import ArrowException, parquet

    faults = (OSError, ValueError, ArrowException)
    with open_raw(path) as raw:
        try:
            table = parquet.ParquetFile(raw, buffer_size=_CHUNK, read_dictionary=_text_columns(raw))
        except faults as fault:
            raise_temporary(fault)
            yield rejected(path, "read.damaged", f"The file cannot be read as Parquet: {fault}.")
            return
        columns = _columns(table.schema_arrow, config)
        if not set(columns) & {*_html_fields(config), *_text_fields(config)}:
            rows, names = table.metadata.num_rows, _named(table.schema_arrow.names)
            detail = f"Its {rows} rows have no text. Its columns: {names}. {_NAME_IT}"
            yield rejected(path, "read.no-text", detail)
            return
        left = FREE_DECOMPRESSED_BYTES + MAX_DECOMPRESSION_RATIO * raw.seek(0, io.SEEK_END)
        first = 0
        for group in range(table.num_row_groups):
            n, end = first, first + table.metadata.row_group(group).num_rows
            try:
                for page in _rows(table, group, columns, f"{path}#", first, config):
                    left -= _cost(page, config)
                    if left < 0:
                        break
                    yield page
                    n += 1
            except faults as fault:
                raise_temporary(fault)
                detail = f"{end - n} rows of a damaged group cannot be read: {fault}."
                yield rejected(f"{path}#{n}", "read.damaged", detail)
            if left < 0:
                yield rejected(f"{path}#{n}", "read.damaged", f"From here on nothing is read: {BOMB}.")
                return
            first = end


def _cost(page: RawPage, config: Config) -> int:
    """Return the bytes that a row takes of what a file may unpack to; a rejected one may have been large."""
    if isinstance(page.octets, Rejection):
        return _BYTES_WITHOUT_TEXT if page.octets.rule == "read.no-text" else config.max_page_bytes
    return len(page.octets)


def _rows(table: Any, group: int, columns: list[str], prefix: str, first: int, config: Config) -> Iterator[RawPage]:
    # Each row has its own copy of a structure's texts; reading row by row costs little beside cleaning.
    flat = all(name in table.schema_arrow.names for name in columns)
    size = _batch_rows(table.metadata.row_group(group)) if flat else 1
    n = first
    for batch in table.iter_batches(size, row_groups=[group], columns=columns, use_threads=False):
        for at in range(batch.num_rows):
            yield _of_row(batch, at, f"{prefix}{n}", config)
            n += 1


def _text_columns(raw: IO[bytes]) -> list[str]:
    """Return the columns of text. Read as dictionaries, they hold a text that a million rows repeat once."""
    from pyarrow import parquet

    schema = parquet.read_metadata(raw).schema
    raw.seek(0)
    columns = (schema.column(n) for n in range(len(schema)))
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _batch_rows(group: Any) -> int:
    """Return how many rows of a group to read at once, by the size that it states."""
    size = max(1, group.total_byte_size // max(1, group.num_rows))
    return max(1, min(_MAX_BATCH_ROWS, _MAX_BATCH_BYTES // int(size)))


def _columns(schema: Any, config: Config) -> list[str]:
    """Return the columns, and the fields of structures, that can hold a page or its metadata; of lists only authors."""
    from pyarrow import types

    named = (config.text_field, config.html_field, config.url_field, config.date_field, config.title_field)
    kinds = {one.name: one.type for one in schema}
    found = []
    for field in dict.fromkeys(
        field
        for field in (
            *named,
            *_HTML_FIELDS,
            *_TEXT_FIELDS,
            *_URL_FIELDS,
            *_DATE_FIELDS,
            *_TITLE_FIELDS,
            *_STATED_FIELDS,
        )
        if field
    ):
        top = field if field in kinds else field.partition(".")[0]
        kind = kinds.get(top)
        plain = kind is not None and (not types.is_nested(kind) or (field in _AUTHOR_FIELDS and types.is_list(kind)))
        if kind is not None and (types.is_struct(kind) if top != field else plain):
            found.append(field)
    return found


def _of_row(batch: Any, at: int, path: str, config: Config) -> RawPage:
    row: dict[str, Any] = {}
    limit = _MAX_ROW_RATIO * config.max_page_bytes
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        value = column[at]
        if _size(value) > limit:
            detail = f"The row's {name} has more than {limit} bytes ({_MAX_ROW_RATIO} times max_page_bytes)."
            return rejected(path, "read.too-large", detail)
        try:
            row[name] = value.as_py()
        except UnicodeDecodeError as fault:
            return rejected(path, "read.damaged", f"The row's {name} cannot be read: {fault}.")
        except (ValueError, OverflowError):  # a date of the year 20000
            row[name] = None
    return raw_page_of(row, path, config)


def _size(value: Any) -> int:
    """Return the bytes of the text, or of a structure's texts, in a cell."""
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    octets = getattr(value, "as_buffer", getattr(getattr(value, "value", None), "as_buffer", lambda: None))()
    return 0 if octets is None else int(octets.size)


def raw_page_of(row: Mapping[str, Any], path: str, config: Config) -> RawPage:
    """Return the page in a row, or the rejection that says why it has no page."""
    html, text = _first(row, _html_fields(config)), _first(row, _text_fields(config))
    page = html or text
    if page is None:
        detail = f"The row has no text. Its fields: {_named(row)}. {_NAME_IT}"
        return rejected(path, "read.no-text", detail)
    url = _url(row, _or_default(config.url_field, _URL_FIELDS))
    when = _date(row, _or_default(config.date_field, _DATE_FIELDS))
    stated = _stated(row)
    if isinstance(page, bytes):
        return RawPage(path, page, url, when, HTML if html else None, stated=stated)
    page = without_surrogates(page)
    # The content decides, whatever the name of the row. Markup states its title itself.
    kind = HTML if html or is_markup(page) else PLAIN
    title = None if kind == HTML else _text(row, _or_default(config.title_field, _TITLE_FIELDS))
    if title and not page.lstrip().startswith(title.strip()):
        page = f"{title.strip()}\n{page}"
    return RawPage(path, page.encode(), url, when, kind, "utf-8", stated)


def _stated(row: Mapping[str, Any]) -> dict[str, str]:
    """Return what a row states of its article: when it was published, its authors and its site."""
    found = {}
    for key, fields in (
        (ROW_PUBLISHED, _PUBLISHED_FIELDS),
        (ROW_AUTHORS, _AUTHOR_FIELDS),
        (ROW_SITE, _SITE_FIELDS),
    ):
        value = next((value for field in fields if (value := row.get(field))), None)
        values = value if isinstance(value, list) else [value]
        words = [str(one) for one in values if isinstance(one, str | date) and len(str(one)) <= _MOST_STATED_CHARS]
        if words:
            found[key] = without_surrogates("\n".join(words))[:_MOST_STATED_CHARS]
    return found


def _html_fields(config: Config) -> Sequence[str]:
    return _or_default(config.html_field, () if config.text_field else _HTML_FIELDS)


def _text_fields(config: Config) -> Sequence[str]:
    return _or_default(config.text_field, () if config.html_field else _TEXT_FIELDS)


def _named(fields: Iterable[str]) -> str:
    return ", ".join(name[:_MAX_NAMED_FIELDS] for name in sorted(fields)[:_MAX_NAMED_FIELDS]) or "none"


def _or_default(field: str | None, default: Sequence[str]) -> Sequence[str]:
    return (field,) if field else default


def _value(row: Mapping[str, Any], field: str) -> Any:
    if field in row:
        return row[field]
    value: Any = row
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _first(row: Mapping[str, Any], fields: Sequence[str]) -> str | bytes | None:
    """Return the first non-blank text, or bytes of a page in any encoding, in the fields."""
    values = (_value(row, field) for field in fields)
    return next((value for value in values if isinstance(value, str | bytes) and value.strip()), None)


def _text(row: Mapping[str, Any], fields: Sequence[str]) -> str | None:
    value = _first(row, fields)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value and without_surrogates(value)


def _url(row: Mapping[str, Any], fields: Sequence[str]) -> str | None:
    """Return the page's URL, or None if it is longer than servers accept."""
    url = _text(row, fields)
    return None if url is None or len(url) > _MAX_URL_CHARS else url


def _date(row: Mapping[str, Any], fields: Sequence[str]) -> datetime | None:
    """Return the first valid date: ISO 8601, or seconds since 1970. A date without a zone is UTC."""
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
