"""One page that a user names: a file, an item of a container, or what a pipe brings."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from qingwen.config import Config
from qingwen.errors import SetupError
from qingwen.model import Page, Rejection
from qingwen.read.addresses import is_url
from qingwen.read.archives import TAR_ENDINGS, ZIP_ENDINGS
from qingwen.read.containers import is_container, items_of
from qingwen.read.files import page_of, read_page, to_page
from qingwen.read.items import refused

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
