"""Compare cleaned pages with those that were taken down: what is the same page is gone, what looks like it is flagged.

A taken-down text is known by its digest, and a similar one by a *sketch*: the lowest byte of each number of its
MinHash signature. A sketch gives no text back.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from qingwen.dataset.minhash import SIZE, signature
from qingwen.metadata.site import registrable_domain
from qingwen.model import BODY, Cleaned, Flag, Rejection
from qingwen.rules.takedowns import RULE, Forgotten
from qingwen.text.spans import Span

# The flags of a record whose text is similar to one that was taken down, and of one that stands in such a page's place.
SIMILAR, SAME_PLACE = "forget.similar-text", "forget.same-place"
OTHER_VERSION = (*RULE[:2], "A page of this path or address was taken down on request, and its text was similar.")
# Two texts are compared where so many neighbouring bytes of their sketches are equal, as in run/near_duplicates.py.
_BAND = "<u4"

Array = Any
"""A numpy array."""


def sketch_of(signed: bytes) -> str:
    """Return the sketch of a text with this MinHash signature."""
    return b64encode(_low_bytes(signed)).decode()


def likeness(sketches: frozenset[str], signed: bytes) -> float:
    """Estimate the Jaccard similarity of a text to the most similar one that was taken down; 0: none is similar.

    >>> one, other = signature("会议今天上午在北京召开。"), signature("会议今天上午在北京召开，至明日结束。")
    >>> likeness(frozenset({sketch_of(one)}), one), likeness(frozenset({sketch_of(one)}), other) > 0.4
    (1.0, True)
    """
    if not sketches:
        return 0.0
    gone, mine = _matrix(sketches), np.frombuffer(_low_bytes(signed), np.uint8)
    share_a_band = (gone.view(_BAND) == mine.view(_BAND)).any(axis=1)
    return float((gone[share_a_band] == mine).mean(axis=1).max(initial=0.0))


def may_be_alike(sketches: frozenset[str], signed: Sequence[bytes]) -> list[int]:
    """Return the numbers of the signatures whose `likeness` may be above 0."""
    if not sketches or not signed:
        return []
    gone = _matrix(sketches).view(_BAND)
    mine = np.frombuffer(b"".join(map(_low_bytes, signed)), np.uint8).reshape(-1, SIZE).view(_BAND)
    found = np.zeros(len(mine), dtype=bool)
    for band in range(mine.shape[1]):
        found |= np.isin(mine[:, band], gone[:, band])
    return [int(at) for at in np.flatnonzero(found)]


@lru_cache(maxsize=4)
def _matrix(sketches: frozenset[str]) -> Array:
    return np.frombuffer(b"".join(b64decode(one) for one in sorted(sketches)), np.uint8).reshape(-1, SIZE)


def _low_bytes(signed: bytes) -> bytes:
    # Numbers are little-endian.
    return signed[::4]


def judge(result: Cleaned | Rejection, url: str | None, forgotten: Forgotten, least: float) -> Cleaned | Rejection:
    """Return a page's result, flagged if it looks like one that was taken down, or the rejection if it is that page.

    It is that page if its bytes, address, site or cleaned text were taken down, or if it stands at the path or address
    of one and its text is similar, from ``least`` on. A rejected page is compared by the text of its blocks.
    """
    if isinstance(result, Cleaned):
        record = result.record
        page, path, site, text, sha256 = (
            record.id,
            record.source_path,
            record.metadata.site,
            record.text,
            record.text_sha256,
        )
    else:
        page, path, site, sha256 = result.page_id, result.source_path, None, None
        text = "\n".join(judged.text or "" for judged in result.blocks)
    sites = {site, registrable_domain(url) if url else None}
    if any(forgotten.holds(page, url, site, sha256) for site in sites):
        return Rejection(page, path, *RULE)
    alike = likeness(forgotten.sketches, signature(text)) if text else 0.0
    placed = forgotten.has_place(path, url)
    if placed and alike >= least:
        return Rejection(page, path, *OTHER_VERSION)
    if isinstance(result, Rejection):
        return result
    flags = tuple(flags_of(alike, placed=placed, least=least))
    names = tuple(sorted({*result.record.flags, *(flag.rule for flag in flags)}))
    return replace(result, record=replace(result.record, flags=names), flags=(*result.flags, *flags))


def flags_of(alike: float, *, placed: bool, least: float) -> Iterator[Flag]:
    """Yield the flags of a record that looks like a page that was taken down."""
    start = Span(0, 0)
    if alike >= least:
        yield Flag(BODY, SIMILAR, start, f"similarity {alike:.2f}", None, "to a text that was taken down", alike)
    elif placed:
        yield Flag(BODY, SAME_PLACE, start, "another text", None, "where a page that was taken down stood")
