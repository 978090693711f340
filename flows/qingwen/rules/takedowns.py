"""Pages that were taken down on request: no run brings them back, and what looks like one of them is flagged."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from pydantic_core import from_json

from qingwen.errors import SetupError
from qingwen.rules.site_book import TextFile

FORGOTTEN = "forgotten.json"
# Bytes of a sketch, which stands for a text (run/takedowns.py).
SKETCH = 256
_DIGEST = re.compile("[0-9a-f]{32}")
# Stage, rule and detail of the rejection of a page that was taken down.
RULE = ("forget", "forget.asked", "The page was taken down on request.")
# Parts of a query that their makers document as marks of where a visitor came from; the page is the same without them.
_TRACKING = frozenset(
    "gclid gbraid wbraid dclid fbclid msclkid yclid twclid igshid mc_cid mc_eid _hsenc _hsmi mkt_tok _ga _gl spm "
    "isappinstalled from=timeline from=singlemessage from=groupmessage".split()
)
_SESSION = re.compile(r";jsessionid=[^/;]*", re.I)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was taken down: ``ids`` of pages, and the digests of all else, as the list names nobody.

    ``urls`` and ``sites`` were asked for by name, ``texts`` are the cleaned texts of pages taken down: what has one of
    them is gone. ``places`` are the paths and addresses of pages taken down, ``sketches`` stand for their texts: a page
    with a similar text is gone at such a place and flagged elsewhere.

    >>> Forgotten(urls=frozenset({"http://a.cn/1"})).holds("", "https://www.A.cn:443/1?utm_source=x#top")
    True
    """

    ids: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    sketches: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name, digest_of in (("urls", url_digest), ("sites", _digest)):
            object.__setattr__(self, name, frozenset(map(digest_of, getattr(self, name))))

    def joined(self, other: Forgotten) -> Forgotten:
        """Return the union of both."""
        return Forgotten(*(getattr(self, name) | getattr(other, name) for name in self.__slots__))

    def holds(self, page_id: str, url: str | None, site: str | None = None, text: str | None = None) -> bool:
        """Tell whether a page was taken down; ``text`` is the SHA-256 of its cleaned text."""
        return (
            page_id in self.ids
            or (url is not None and bool(self.urls) and not self.urls.isdisjoint((url_digest(url), _old_digest(url))))
            or (site is not None and bool(self.sites) and _digest(site) in self.sites)
            or (text is not None and text[:32] in self.texts)
        )

    def has_place(self, path: str, url: str | None) -> bool:
        """Tell whether a page that was taken down stood at this path or address."""
        return bool(self.places) and not self.places.isdisjoint(places(path, url))

    def to_json(self) -> str:
        """Return what `load_forgotten` reads."""
        return json.dumps({name: sorted(getattr(self, name)) for name in self.__slots__}, ensure_ascii=False, indent=1)

    @property
    def digest(self) -> str:
        """Return 16 hex digits that change with every page taken down."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


def canonical_url(url: str) -> str | None:
    """Return an address without what never tells two pages apart; None if it is no address.

    Left out are the scheme, a user, ``www.``, the default ports, an empty query, marks of campaigns and sessions, and a
    fragment, unless it is a script's route behind a folder (``/#/1``, ``/#!1``). The host is in lower case, the path
    without dot segments, escapes in one form, and the parts of the query in order.

    >>> canonical_url("HTTPS://www.A.cn:443/b/./c%7e.html?z=1&utm_source=wx&a=2#top")
    'a.cn/b/c~.html?a=2&z=1'
    """
    try:
        parts = urlsplit(url.strip() if "//" in url else f"//{url.strip()}")
        port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    if not host:
        return None
    if host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    with suppress(UnicodeError):  # a host that is no domain name stays as it is
        host = host if host.isascii() else host.encode("idna").decode()
    asked = sorted(part for part in parts.query.split("&") if part and not _is_tracking(part))
    query = "?" + "&".join(map(_one_escape, asked)) if asked else ""
    path = _path(_SESSION.sub("", parts.path))
    is_route = path.endswith("/") and parts.fragment.startswith(("/", "!"))
    return f"{host}{port}{path}{query}" + (f"#{_one_escape(parts.fragment)}" if is_route else "")


def _is_tracking(part: str) -> bool:
    name = part.partition("=")[0].lower()
    return name.startswith("utm_") or name in _TRACKING or part in _TRACKING


def _path(path: str) -> str:
    """Return a path without dot segments (RFC 3986, 5.2.4), its escapes in one form."""
    kept: list[str] = []
    segments = _one_escape(path).split("/")
    for n, segment in enumerate(segments):
        if segment == ".." and len(kept) > 1:
            kept.pop()
        if segment not in (".", ".."):
            kept.append(segment)
        elif n == len(segments) - 1:
            kept.append("")
    return "/".join(kept) or "/"


def _one_escape(text: str) -> str:
    """Return a part of an address with only those characters escaped that must be; an escaped mark stays escaped.

    >>> _one_escape("%7ea%2fb中")
    '~a%2Fb%E4%B8%AD'
    """
    pieces = re.split("(%[0-9A-Fa-f]{2})", text)
    for n, piece in enumerate(pieces):
        if n % 2:
            char = unquote(piece)
            pieces[n] = char if char.isascii() and (char.isalnum() or char in "-._~") else piece.upper()
        else:
            pieces[n] = quote(piece, safe="!#$%&'()*+,/:;=?@[]~", errors="replace")
    return "".join(pieces)


def url_digest(url: str) -> str:
    """Return the digest of a `canonical_url`; a digest as it is."""
    return url if _DIGEST.fullmatch(url) else _digest(canonical_url(url) or url)


def _old_digest(url: str) -> str:
    """Return the digest of an address as earlier lists hold it: with ``www.``, escapes and the query as they came."""
    try:
        parts = urlsplit(url.strip())
        port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    except ValueError:
        return _digest(url)
    query = f"?{parts.query}" if parts.query else ""
    route = parts.fragment if parts.fragment.startswith(("/", "!")) and parts.path.endswith("/") else ""
    return _digest(f"{parts.hostname}{port}{parts.path or '/'}{query}{route}" if parts.hostname else url)


def places(path: str, url: str | None) -> frozenset[str]:
    """Return the digests of a page's path and address, as `Forgotten.places` holds them."""
    return frozenset([_digest(f"path {path}"), *([url_digest(url)] if url else [])])


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
    """Return what `Forgotten.to_json` wrote, or an earlier version; ``origin`` names its file in errors.

    Raises:
        SetupError: the text is damaged.
    """
    try:
        stated = from_json(text)
        if any(not isinstance(value, str) for values in stated.values() for value in values):
            raise ValueError("what was taken down must be text")
        if any(len(b64decode(sketch, validate=True)) != SKETCH for sketch in stated.get("sketches", ())):
            raise ValueError(f"a sketch has {SKETCH} bytes")
        return Forgotten(**{name: frozenset(values) for name, values in stated.items()})
    except (ValueError, TypeError, AttributeError) as fault:
        raise _refused(origin, fault) from fault


def _refused(origin: str, fault: Exception) -> SetupError:
    return SetupError(
        f"{origin}: no list of what was taken down ({fault}). Put back a whole copy of the file, or write "
        '{"ids": [], "urls": [], "sites": []} with what must not come back.'
    )
