"""The site that a page belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qingwen.metadata.lines import PageLines, search
from qingwen.model import Page, Segmented
from qingwen.text.match_view import FOLDED, view

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# A longer first line is no title.
_LONGEST_TITLE = 120


def extract_site(page: Page, lines: PageLines, meta: Mapping[str, str]) -> str | None:
    """Return the registrable domain of the URL, else the name of the site as the page states it, else None."""
    if page.url and (domain := registrable_domain(page.url)):
        return domain
    for line in lines.notices:
        if found := search("site_notice", line):
            return found["site"] or found["site2"]
    for line in lines.notices:
        if found := search("copyright_holder", line):
            return found["site"]
    return meta.get("og:site_name") or None


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
