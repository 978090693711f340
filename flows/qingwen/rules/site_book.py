"""What the survey learned of sites: the lines that recur on a site's pages, and whether its articles are spun."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from pydantic_core import from_json

from qingwen.errors import SetupError
from qingwen.text.match_view import folding

FORMAT = 2


def line_key(words: str) -> str:
    """Return a line's key on all pages of its site: 16 hex digits of its words, folded, without white space.

    >>> line_key("關於 我們") == line_key("关于我们")
    True
    """
    solid = "".join(words.translate(folding()).split())
    return hashlib.blake2b(solid.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


# The book's file in the state of a dataset.
SITES = "sites.json"


@dataclass(frozen=True, slots=True)
class Template:
    """A line that recurs on a site: on how many of the surveyed pages, and how it begins (for people to read)."""

    pages: int
    text: str


@dataclass(frozen=True, slots=True)
class Site:
    """A site's entry: how many unlike pages of it were surveyed, and its recurring lines by `line_key`.

    ``spun``: on how many of them a line of the page's own held a swapped word (0: on too few to call the site spun).
    """

    pages: int
    templates: Mapping[str, Template]
    spun: int = 0


@dataclass(frozen=True)
class SiteBook:
    """The entries of sites by name: an input of cleaning, like the rules. An empty book knows nothing.

    >>> about = {line_key("关于我们"): Template(pages=4, text="关于我们")}
    >>> SiteBook({"河上在线": Site(pages=5, templates=about)}).evidence("河上在线", "關於 我們")
    'stands on 4 of 5 pages of 河上在线'
    """

    sites: Mapping[str, Site] = field(default_factory=dict)

    def evidence(self, site: str | None, words: str) -> str | None:
        """Return in words why a line is its site's own, or None."""
        entry = self.sites.get(site) if site else None
        line = entry.templates.get(line_key(words)) if entry else None
        return f"stands on {line.pages} of {entry.pages} pages of {site}" if entry and line else None

    def is_spun(self, site: str | None) -> bool:
        """Tell whether a site is known to swap words: evidence for each of its pages."""
        entry = self.sites.get(site) if site else None
        return entry is not None and entry.spun > 0

    def joined(self, new: Mapping[str, Site]) -> SiteBook:
        """Return the book with new sites added; a site that it knows keeps its entry."""
        return SiteBook({**new, **self.sites})

    @cached_property
    def digest(self) -> str:
        """Return 16 hex digits that change with the book."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """Return the book as JSON, equal for equal books."""
        plain = {
            name: {
                "pages": site.pages,
                "spun": site.spun,
                "lines": [[key, t.pages, t.text] for key, t in sorted(site.templates.items())],
            }
            for name, site in sorted(self.sites.items())
        }
        return json.dumps({"format": FORMAT, "sites": plain}, ensure_ascii=False, indent=0, sort_keys=True)


class TextFile(Protocol):
    """A path to read, on this machine or in a store."""

    def exists(self) -> bool:
        """Tell whether the file is there."""

    def read_text(self, encoding: str) -> str:
        """Return its text."""


def load_sites(path: TextFile) -> SiteBook:
    """Read the book of a file, such as a dataset's ``_state/sites.json``; a missing file is an empty book.

    >>> from pathlib import Path
    >>> load_sites(Path("no-such-dataset/_state/sites.json")) == SiteBook()
    True

    Raises:
        SetupError: the file is damaged; the message says what to do.
    """
    if not path.exists():
        return SiteBook()
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as fault:
        raise SetupError(f"{path}: no SiteBook ({fault}). Run with --rebuild to learn the sites anew.") from fault
    return parse_sites(text, str(path))


def parse_sites(text: str, origin: str) -> SiteBook:
    """Return the book that `SiteBook.to_json` wrote; ``origin`` names it in errors.

    Raises:
        SetupError: the text is damaged; the message says what to do.
    """
    try:
        stated = from_json(text)  # refuses half a surrogate pair, which UTF-8 cannot write again
        if stated["format"] != FORMAT:
            raise ValueError(f"format {stated['format']}")
        return SiteBook({name: _site(entry) for name, entry in stated["sites"].items()})
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as fault:
        raise SetupError(f"{origin}: no SiteBook ({fault}). Run with --rebuild to learn the sites anew.") from fault


def _site(entry: Mapping[str, Any]) -> Site:
    lines = {key: Template(int(pages), text) for key, pages, text in entry["lines"]}
    return Site(int(entry["pages"]), lines, int(entry["spun"]))
