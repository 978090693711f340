"""One page that a user names: a file, an item of a container, or what a pipe brings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from qingwen.config import Config
from qingwen.errors import SetupError
from qingwen.model import Page, Rejection
from qingwen.read import archives, table_rows, warc
from qingwen.read.archives import TAR_ENDINGS, ZIP_ENDINGS
from qingwen.read.open import is_url
from qingwen.read.page import (
    Item,
    Reader,
    Source,
    is_passing,
    page_of,
    read_bytes,
    read_page,
    refused,
    to_page,
    unreadable,
)

_READERS: tuple[tuple[tuple[str, ...], Reader], ...] = (
    (warc.ENDINGS, warc.read_warc),
    (table_rows.JSONL_ENDINGS, table_rows.read_jsonl),
    (table_rows.PARQUET_ENDINGS, table_rows.read_parquet),
    (archives.ZIP_ENDINGS, archives.read_zip),
    (archives.TAR_ENDINGS, archives.read_tar),
)

ENDINGS = tuple(ending for endings, _ in _READERS for ending in endings)


Share = tuple[int, int]

"""(j, k): of every k items of a container the j-th alone, so that k workers may share it."""

WHOLE: Share = (0, 1)


def is_container(path: str) -> bool:
    """Tell whether a file holds many pages, by its ending.

    >>> is_container("CC-NEWS.warc.gz"), is_container("page.html.gz")
    (True, False)
    """
    return path.lower().endswith(ENDINGS)


def items_of(path: str, config: Config, share: Share = WHOLE) -> Iterator[Item]:
    """Yield what a file holds: itself, or the items of a container, in the order in which they lie there.

    What is said of a container as a whole belongs to the share that holds item 0; that it cannot be read on now
    belongs to each.
    """
    reader = next((reader for endings, reader in _READERS if path.lower().endswith(endings)), None)
    if reader is None:
        yield Item(path, read_bytes(path, config))
        return
    part, parts = share
    n = -1
    try:
        for n, item in enumerate(reader(path, config)):
            if n % parts == part:
                yield item
    except OSError as fault:
        if part == 0 or is_passing(fault):
            yield Item(path, unreadable(path, fault))
        return
    if n < 0 and part == 0:
        yield Item(path, refused(path, "read.empty", "The container holds no page."))


def pages_of(sources: Iterable[Source], config: Config) -> Iterator[Page | Rejection]:
    """Yield every page of some files, one after the other."""
    for source in sources:
        for item in items_of(source.path, config):
            yield page_of(item, config)


_MARKS = "#!"


def page_named(name: str, config: Config, url: str | None = None) -> Page | Rejection:
    """Return the page in a file, or the item of a container (``crawl.warc.gz#17``, ``pages.zip!a.html``).

    ``url`` is the address that the page was saved from; without it the file's or its container's word counts.

    Raises:
        SetupError: there is no such file or item, or the file holds many pages.
    """
    if is_url(name):
        raise SetupError(f"{name}: pages are not fetched. Save it and name the file with --url, or pipe it to: show -")
    path = Path(name)
    if path.is_dir():
        said = "is a dataset: name a page of it too, by its ID" if (path / "_runs").is_dir() else "is a folder"
        raise SetupError(f"{name}: {said}. Name a page's file, or a dataset with an ID, as qingwen head lists them.")
    if path.exists():
        if is_container(name):
            raise SetupError(f"{name}: holds many pages. Name one of them, as in {name}{_example(name)}.")
        return read_page(name, config, url)
    for at in (at for at, char in enumerate(name) if char in _MARKS):
        container = name[:at]
        if is_container(container) and Path(container).exists():
            item = next((item for item in items_of(container, config) if item.path == name), None)
            if item is None:
                raise SetupError(f"{name}: {container} has no such item.")
            return page_of(item, config, url)
    raise SetupError(f"{name}: there is no such file.")


def page_on(stream: IO[bytes], config: Config, url: str | None = None) -> Page | Rejection:
    """Return the page that a stream brings: its bytes as crawled, whatever their encoding."""
    octets = stream.read(config.max_page_bytes + 1)
    if len(octets) > config.max_page_bytes:
        said = f"The page has more than {config.max_page_bytes} bytes (max_page_bytes)."
        return refused("-", "read.too-large", said)
    return to_page(octets, "-", config, url=url)


def _example(name: str) -> str:
    return "!a.html" if name.lower().endswith((*ZIP_ENDINGS, *TAR_ENDINGS)) else "#0"
