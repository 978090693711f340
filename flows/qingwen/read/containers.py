"""Which reader a file needs, by its ending; every item that it holds, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qingwen.config import Config
from qingwen.model import Page, Rejection
from qingwen.read import archives, rows, warc
from qingwen.read.files import page_of, read_bytes
from qingwen.read.items import Item, Reader, Source, is_passing, refused, unreadable

_READERS: tuple[tuple[tuple[str, ...], Reader], ...] = (
    (warc.ENDINGS, warc.read_warc),
    (rows.JSONL_ENDINGS, rows.read_jsonl),
    (rows.PARQUET_ENDINGS, rows.read_parquet),
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
