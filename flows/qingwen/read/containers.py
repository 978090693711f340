"""Read the pages of files and containers, or the one page that a user names."""

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
    RawPage,
    Reader,
    Source,
    is_temporary,
    page_of,
    read_bytes,
    read_page,
    rejected,
    rejection,
    unreadable,
)

Share = tuple[int, int]
"""(j, k): only the j-th of every k pages of a container, so that k workers may share it."""

WHOLE: Share = (0, 1)

_READERS: tuple[tuple[tuple[str, ...], Reader], ...] = (
    (warc.ENDINGS, warc.read_warc),
    (table_rows.JSONL_ENDINGS, table_rows.read_jsonl),
    (table_rows.PARQUET_ENDINGS, table_rows.read_parquet),
    (archives.ZIP_ENDINGS, archives.read_zip),
    (archives.TAR_ENDINGS, archives.read_tar),
)

ENDINGS = tuple(ending for endings, _ in _READERS for ending in endings)


def is_container(path: str) -> bool:
    """Tell whether a file holds many pages, by its ending.

    >>> is_container("CC-NEWS.warc.gz"), is_container("page.html.gz")
    (True, False)
    """
    return path.lower().endswith(ENDINGS)


def raw_pages(path: str, config: Config, share: Share = WHOLE) -> Iterator[RawPage]:
    """Yield the pages of a file: itself, or those of a container in their order there.

    Errors about the whole container are yielded by the share with page 0; temporary read errors by every share.
    """
    reader = next((reader for endings, reader in _READERS if path.lower().endswith(endings)), None)
    if reader is None:
        yield RawPage(path, read_bytes(path, config))
        return
    part, parts = share
    n = -1
    try:
        for n, raw in enumerate(reader(path, config)):
            if n % parts == part:
                yield raw
    except OSError as fault:
        if part == 0 or is_temporary(fault):
            yield RawPage(path, unreadable(path, fault))
        return
    if n < 0 and part == 0:
        yield rejected(path, "read.empty", "The container holds no page.")


def pages_of(sources: Iterable[Source], config: Config) -> Iterator[Page | Rejection]:
    """Yield every page of some files, one after the other."""
    for source in sources:
        for raw in raw_pages(source.path, config):
            yield page_of(raw, config)


def page_named(name: str, config: Config, url: str | None = None) -> Page | Rejection:
    """Return the page of a file, or one page of a container (``crawl.warc.gz#17``, ``pages.zip!a.html``).

    ``url`` is the address that the page was saved from; it overrides the container's.

    Raises:
        SetupError: there is no such file or page, or the file holds many pages.
    """
    if is_url(name):
        raise SetupError(f"{name}: pages are not fetched. Save it and name the file with --url, or pipe it to: show -")
    path = Path(name)
    if path.is_dir():
        what = "is a dataset: name a page of it too, by its ID" if (path / "_runs").is_dir() else "is a folder"
        raise SetupError(f"{name}: {what}. Name a page's file, or a dataset with an ID, as qingwen head lists them.")
    if path.exists():
        if is_container(name):
            raise SetupError(f"{name}: holds many pages. Name one of them, as in {name}{_example(name)}.")
        return read_page(name, config, url)
    for container in (name[:at] for at, char in enumerate(name) if char in "#!"):
        if is_container(container) and Path(container).exists():
            raw = next((raw for raw in raw_pages(container, config) if raw.path == name), None)
            if raw is None:
                raise SetupError(f"{name}: {container} has no such item.")
            return page_of(raw, config, url)
    raise SetupError(f"{name}: there is no such file.")


def page_on(stream: IO[bytes], config: Config, url: str | None = None) -> Page | Rejection:
    """Return the page that a stream holds: its bytes as crawled, in any encoding."""
    octets = stream.read(config.max_page_bytes + 1)
    if len(octets) > config.max_page_bytes:
        return rejection(
            "-", "read.too-large", f"The page has more than {config.max_page_bytes} bytes (max_page_bytes)."
        )
    return page_of(RawPage("-", octets, url), config)


def _example(name: str) -> str:
    return "!a.html" if name.lower().endswith((*ZIP_ENDINGS, *TAR_ENDINGS)) else "#0"
