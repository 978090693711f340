"""Addresses without what gives access: user names and passwords before a host, signatures, tokens and keys."""

import re
from urllib.parse import unquote_plus

# How the name of a parameter reads that gives access to anyone who has the address: X-Amz-Signature, sig, api_key …
_SECRET = re.compile(
    r"signature|credential|token|secret|passw|pwd|api[-_.]?key|access[-_.]?key|auth[-_.]?key|(?<![a-z])sig(?![a-z])",
    re.I,
)
# Those, and words that are too common to be taken out of a page's address.
_MAYBE = re.compile(rf"{_SECRET.pattern}|(?<![a-z])(?:key|sign|auth)(?![a-z])", re.I)
# A scheme, the host with the user before it, the path and what follows it.
_PARTS = re.compile(r"([a-z][a-z0-9+.:-]{0,40}://|//)?+([^/?#]*+)(.*+)", re.I | re.S)
# Parameters stand behind ?, & and #, and behind ; in any part of the path.
_PARAMETER = re.compile(r"([?&#;])([^?&#;/=]*+)(=[^&#;]*+)?+")
# Before the host of these stands no user, but the container.
_CONTAINERS = ("abfs://", "abfss://", "az://", "adl://")


def _parts(address: str) -> tuple[str, str | None, str, str]:
    """Return scheme, user, host and rest of an address."""
    scheme, host, rest = _PARTS.fullmatch(address).groups()  # type: ignore[union-attr]  # it matches any text
    user, at, named = host.rpartition("@") if scheme else ("", "", host)
    return scheme or "", user if at else None, named, rest


def _names(rest: str) -> list[str]:
    """Return the names of an address's parameters."""
    return [unquote_plus(name) for _, name, _ in _PARAMETER.findall(rest)]


def holds_secret(address: str) -> bool:
    """Tell whether a URL holds a user, or a parameter that may give access.

    >>> [holds_secret(one) for one in ("https://token@h/a", "s3://b/a;X-Amz-Signature=1", "http://a.cn/?page=2")]
    [True, True, False]
    """
    scheme, user, _, rest = _parts(address)
    is_container = scheme.lower() in _CONTAINERS and user is not None and not re.search("[:@%]", user)
    return (user is not None and not is_container) or any(map(_MAYBE.search, _names(rest)))


def without_secrets(address: str) -> str:
    """Return the address of a page without a user and without parameters that give access.

    >>> without_secrets("http://me:pw@a.cn/1.html?page=2&access_token=t#top")
    'http://a.cn/1.html?page=2#top'
    """
    scheme, user, host, rest = _parts(address)
    if user is None and not any(map(_SECRET.search, _names(rest))):
        return address
    kept = _PARAMETER.sub(lambda found: "" if _SECRET.search(unquote_plus(found[2])) else found[0], rest)
    # What followed the first parameter takes its place.
    query = kept.find("&")
    if query >= 0 and "?" not in kept[:query]:
        kept = f"{kept[:query]}?{kept[query + 1 :]}"
    return f"{scheme}{host}{kept}"


def place_of(address: str) -> str:
    """Return scheme, host and path of a URL, for messages.

    >>> place_of("https://me:pw@h/a.txt;sig=1?token=2")
    'https://h/a.txt'
    """
    scheme, _, host, rest = _parts(address)
    return f"{scheme}{host}{re.split('[?#;]', rest)[0]}"
