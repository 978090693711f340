"""Pages that were taken down on request: no run brings them back."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic_core import from_json

from qingwen.errors import SetupError
from qingwen.rules.site_book import TextFile

FORGOTTEN = "forgotten.json"
_DIGEST = re.compile("[0-9a-f]{32}")
# Stage, rule and detail of the rejection of a page that was taken down.
RULE = ("forget", "forget.asked", "The page was taken down on request.")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Ids, URLs and sites that were taken down; of URLs and sites the digests alone, as the list names nobody.

    An address is the same with http or https, with any fragment, in any case of its host.

    >>> Forgotten(urls=frozenset({"http://a.cn/1"})).holds("", "https://A.cn:443/1#top")
    True
    """

    ids: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "urls", frozenset(map(url_digest, self.urls)))
        object.__setattr__(self, "sites", frozenset(map(_digest, self.sites)))

    def joined(self, other: Forgotten) -> Forgotten:
        """Return the union of both."""
        return Forgotten(self.ids | other.ids, self.urls | other.urls, self.sites | other.sites)

    def holds(self, page_id: str, url: str | None, site: str | None = None) -> bool:
        """Tell whether a page was taken down."""
        return (
            page_id in self.ids
            or (url is not None and bool(self.urls) and url_digest(url) in self.urls)
            or (site is not None and bool(self.sites) and _digest(site) in self.sites)
        )

    def to_json(self) -> str:
        """Return what `load_forgotten` reads."""
        return json.dumps({name: sorted(getattr(self, name)) for name in self.__slots__}, ensure_ascii=False, indent=1)

    @property
    def digest(self) -> str:
        """Return 16 hex digits that change with every page taken down."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


def url_digest(url: str) -> str:
    """Return the digest of an address; a digest as it is."""
    try:
        parts = urlsplit(url.strip())
        port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    except ValueError:
        return _digest(url)
    if not parts.hostname:
        return _digest(url)
    query = f"?{parts.query}" if parts.query else ""
    return _digest(f"{parts.hostname}{port}{parts.path or '/'}{query}")


def _digest(text: str) -> str:
    return text if _DIGEST.fullmatch(text) else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def load_forgotten(path: TextFile) -> Forgotten:
    """Return what was taken down from a dataset; nothing where the file is missing.

    Raises:
        SetupError: the file is damaged; without it a run would bring back what was taken down.
    """
    if not path.exists():
        return Forgotten()
    try:
        text = path.read_text("utf-8")
    except ValueError as fault:
        raise _refused(str(path), fault) from fault
    return parse_forgotten(text, str(path))


def parse_forgotten(text: str, origin: str) -> Forgotten:
    """Return what `Forgotten.to_json` wrote; ``origin`` names its file in errors.

    Raises:
        SetupError: the text is damaged.
    """
    try:
        stated = from_json(text)
        if any(not isinstance(value, str) for values in stated.values() for value in values):
            raise ValueError("what was taken down must be text")
        return Forgotten(**{name: frozenset(values) for name, values in stated.items()})
    except (ValueError, TypeError, AttributeError) as fault:
        raise _refused(origin, fault) from fault


def _refused(origin: str, fault: Exception) -> SetupError:
    return SetupError(
        f"{origin}: no list of what was taken down ({fault}). Put back a whole copy of the file, or write "
        '{"ids": [], "urls": [], "sites": []} with what must not come back.'
    )
