"""Near-duplicate articles of two sites, found by sketches of their shingles and aligned character by character."""

from __future__ import annotations

import heapq
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz.distance import Levenshtein

# Punctuation and white space differ between reposts for reasons of their own.
_SOLID = re.compile(r"[^\W_]+")
_SHINGLE, _SKETCH = 8, 64
# Of two sketches so many values must be shared; a value on more pages than this is boilerplate.
_SHARED, _COMMON = 6, 50
# Two texts are one article when so much of the shorter one is aligned.
_ALIGNED = 0.6


@dataclass(frozen=True)
class Text:
    """An article as mining sees it: letters, characters and digits only, with its site and page."""

    page_id: str
    site: str
    solid: str

    @classmethod
    def of(cls, page_id: str, site: str, text: str) -> Text:
        """Return a text without its punctuation and white space."""
        return cls(page_id, site, "".join(_SOLID.findall(text)))

    @cached_property
    def sketch(self) -> tuple[int, ...]:
        """Return the smallest digests of the text's shingles of eight characters."""
        starts = range(max(1, len(self.solid) - _SHINGLE + 1))
        codes = {zlib.crc32(self.solid[at : at + _SHINGLE].encode("utf-8", "surrogatepass")) for at in starts}
        return tuple(heapq.nsmallest(_SKETCH, codes))


@dataclass(frozen=True)
class Pair:
    """One article on two sites; ``there[i]`` is where character ``i`` of ``here`` stands in ``other`` (-1: nowhere)."""

    here: Text
    other: Text
    there: tuple[int, ...]

    def turned(self) -> Pair:
        """Return the same pair seen from the other side."""
        back = [-1] * len(self.other.solid)
        for at, place in enumerate(self.there):
            if place >= 0:
                back[place] = at
        return Pair(self.other, self.here, tuple(back))

    def across(self, start: int, end: int) -> str | None:
        """Return what stands in the other text for a run of this one, or None: its neighbours are not aligned."""
        left = self.there[start - 1] if start else -1
        right = self.there[end] if end < len(self.there) else len(self.other.solid)
        if (start and left < 0) or right < 0 or right - left - 1 > end - start + _SHINGLE:
            return None
        return self.other.solid[left + 1 : right]


def find_pairs(texts: Sequence[Text]) -> Iterator[Pair]:
    """Yield every text with its nearest one of each other site, each pair once, in a stable order."""
    holders: dict[int, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        for code in text.sketch:
            holders[code].append(number)
    done: set[tuple[int, int]] = set()
    for number, text in enumerate(texts):
        shared: Counter[int] = Counter()
        for code in text.sketch:
            if len(holders[code]) <= _COMMON:
                shared.update(other for other in holders[code] if texts[other].site != text.site)
        best: dict[str, int] = {}
        for other, n in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
            if n >= _SHARED:
                best.setdefault(texts[other].site, other)
        for other in best.values():
            key = (min(number, other), max(number, other))
            if key not in done:
                done.add(key)
                pair = align(texts[key[0]], texts[key[1]])
                if pair is not None:
                    yield pair


def align(here: Text, other: Text) -> Pair | None:
    """Return two texts aligned, or None: they are not one article.

    >>> align(Text.of("1", "a", "天地玄黄，最好的宇宙洪荒"), Text.of("2", "b", "天地玄黄蕞好的宇宙洪荒")).across(4, 5)
    '蕞'
    """
    there = [-1] * len(here.solid)
    for op in Levenshtein.opcodes(here.solid, other.solid):
        if op.tag == "equal":
            there[op.src_start : op.src_end] = range(op.dest_start, op.dest_end)
    aligned = sum(place >= 0 for place in there)
    shorter = min(len(here.solid), len(other.solid))
    return Pair(here, other, tuple(there)) if aligned >= _ALIGNED * max(1, shorter) else None
