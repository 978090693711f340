"""The site that a page belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qingwen.metadata.lines import PageLines
from qingwen.metadata.patterns import search
from qingwen.model import ROW_SITE, Label, Page, Segmented
from qingwen.text.match_view import FOLDED, view

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# A longer first line is no title.
_LONGEST_TITLE = 120
# How many of the last lines may be the footer, and the longest of them that is read.
_FOOTER_LINES, _LONGEST_NOTICE = 25, 200
_SHORTEST_NAME, _SHORTEST_IN_TITLE, _LONGEST_NAME = 2, 3, 30


@dataclass(frozen=True, slots=True)
class Site:
    """The site's registrable domain or name, and where it stands."""

    name: str
    where: str


def extract_site(page: Page, lines: PageLines, meta: Mapping[str, str]) -> Site | None:
    """Return the registrable domain of the URL, else the name of the site as the page states it, else None.

    The name is that of ``og:site_name``, of who runs the site or has its rights by the footer, or of the end of the
    ``<title>``.
    """
    if page.url and (domain := registrable_domain(page.url)):
        return Site(domain, "url")
    if domain := registrable_domain(meta.get(ROW_SITE, "")):
        return Site(domain, ROW_SITE)
    name = _name(meta.get("og:site_name", ""))
    if name and not lines.title.startswith(view(name, FOLDED).text):
        return Site(name, "meta og:site_name")
    footer = [line for line in lines.every[-_FOOTER_LINES:] if line.label is not Label.BODY]
    notices = [line for line in lines.every if line.label in (Label.COPYRIGHT, Label.SITE)]
    for pattern, some in (
        ("site_notice", notices),
        ("site_runner", [*footer, *notices]),
        ("copyright_holder", notices),
        ("site_rights", [*notices, *footer]),
        ("title_site", lines.every[:1]),
    ):
        for line in some:
            found = search(pattern, line.folded) if len(line.folded) <= _LONGEST_NOTICE else None
            if found and (name := _name(next(filter(None, found.groups()), ""))):
                known = len(name) >= _SHORTEST_IN_TITLE or any(name in notice.folded for notice in notices)
                if pattern == "title_site" and (lines.title.startswith(name) or not known):
                    continue  # a keyword or a section
                return Site(name, f"line {line.n + 1}")
    return None


def _name(words: str) -> str | None:
    """Return a site's name without the marks around it; None for what is a section or no name."""
    name = words.split(" / ")[0].strip(" -_|·—.,:【】[]()")
    return None if len(name) < _SHORTEST_NAME or len(name) > _LONGEST_NAME or search("no_site", name) else name


def registrable_domain(url: str) -> str | None:
    """Return the part of a URL's host that its owner registered, by the Public Suffix List; None if there is no host.

    >>> registrable_domain("https://news.sina.com.cn/c/1.html"), registrable_domain("http://www.ifeng.com")
    ('sina.com.cn', 'ifeng.com')
    """
    try:
        host = (urlsplit(url if "//" in url else f"//{url}").hostname or "").strip(".")
    except ValueError:
        return None
    if "." not in host or host.rpartition(".")[2].isdigit():
        return host or None
    return _suffixes().privatesuffix(host) or host


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # reads the list that the package holds, never the network

    return PublicSuffixList()


def site_key(page: Page, segmented: Segmented) -> str | None:
    """Return the key of a page's site in the `SiteBook`, or None if nothing shows the site.

    The key is the registrable domain of the page's URL, else of the address that the markup states as its own, else of
    the host that most of its links lead to, else the name that ends its ``<title>`` (in a dump, its first line).
    """
    for url in (page.url, segmented.meta.get("canonical"), segmented.meta.get("og:url"), segmented.meta.get("links")):
        if url and (domain := registrable_domain(url)):
            return domain
    first = segmented.words(segmented.blocks[0]) if segmented.blocks else ""
    found = search("title_site", view(first, FOLDED).text) if len(first) <= _LONGEST_TITLE else None
    return found["site"].strip() if found else None
