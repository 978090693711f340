"""Normalised copies of a text to match on, with an offset map back.

The *folded* view is Simplified and half-width, for rules that match in any script and width. The *contact* view is for
telephone numbers and accounts. The *digits* view normalises all forms of digits too, but keeps what is between them.
Spans are always mapped back to the raw text.
"""

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

from qingwen.text.characters import HAN, code_points, table_text
from qingwen.text.opencc import converter
from qingwen.text.spans import Span

RAW, FOLDED, CONTACT, DIGITS = "raw", "folded", "contact", "digits"


@dataclass(frozen=True, slots=True)
class View:
    """A copy to match on.

    ``cuts`` are the steps, in order, that left characters out of the raw text. Each holds the positions of its gaps in
    the text that it left, and how many characters it had left out up to each.
    """

    text: str
    cuts: tuple[tuple[list[int], list[int]], ...]
    length: int

    def back(self, start: int, end: int) -> Span:
        """Return the raw span of a span of the view."""
        if not self.cuts:
            return Span(start, end)
        if start == end:
            at = self._raw(start) if start < len(self.text) else self.length
            return Span(at, at)
        return Span(self._raw(start), self._raw(end - 1) + 1)

    def _raw(self, at: int) -> int:
        for places, sizes in reversed(self.cuts):
            found = bisect_right(places, at)
            at += sizes[found - 1] if found else 0
        return at


def view(text: str, kind: str) -> View:
    """Return the raw, folded, contact or digits view of a text.

    >>> view("長按掃一掃", "folded").text
    '长按扫一扫'
    >>> v = view("加薇信1 3 3-9121 9793", "contact"); v.text
    '加微信13391219793'
    >>> v.back(3, 14)
    Span(start=3, end=18)
    """
    if kind == RAW:
        return View(text, (), len(text))
    folded = _translated(text, FOLDED if kind == FOLDED else CONTACT)
    if kind == CONTACT:
        for pattern, replacement, signs in contact_tables().variants:
            if any(map(folded.__contains__, signs)):
                folded = pattern.sub(replacement, folded)  # the length stays, and so do positions
    return _without(folded, (_NOISE, contact_tables().gaps) if kind == CONTACT else (_NOISE,))


# Zero-width characters and entities of spaces between the letters of a word: no rule sees them.
_NOISE = re.compile(
    r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+|&(?:amp;)*(?:nbsp|ensp|emsp);"
    # The pinyin that content farms print after a character: 國(guó).
    rf"|(?<=[{HAN}])\([a-zü]{{0,4}}[à-úā-ǜ][a-z]{{0,3}}\)"
)
# A text without any of these characters has no noise; most texts have none.
_NOISY = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff&à-úā-ǜ]")


def _without(text: str, patterns: tuple[re.Pattern[str], ...]) -> View:
    """Return the view of a text that leaves out all matches of some patterns."""
    length = len(text)
    cuts: list[tuple[list[int], list[int]]] = []
    for pattern in patterns:
        if pattern is _NOISE and not _NOISY.search(text):
            continue
        # A pattern with groups leaves out the group that matched and keeps the rest of the match.
        gaps = [found.span(found.lastindex or 0) for found in pattern.finditer(text)]
        if gaps:
            sizes = list(accumulate(end - start for start, end in gaps))
            cuts.append(([start - size for (start, _), size in zip(gaps, [0, *sizes], strict=False)], sizes))
            bounds = [0, *(at for gap in gaps for at in gap), len(text)]
            text = "".join(text[start:end] for start, end in zip(bounds[::2], bounds[1::2], strict=True))
    return View(text, tuple(cuts), length)


def _translated(text: str, kind: str) -> str:
    """Return a text with each character folded for a view.

    Short texts use ``str.translate``; for long ones a table of all code points is ten times as fast.
    """
    if len(text) < _SHORT:
        return text.translate(_folds(kind))
    folded: bytes = _codes(kind)[code_points(text)].tobytes()
    return folded.decode("utf-32-le", "surrogatepass")


_SHORT = 200


@lru_cache(maxsize=2)
def _folds(kind: str) -> dict[int, str]:
    if kind == FOLDED:
        return folding()
    digits = contact_tables().digits
    folds = {code: digits.get(ord(value), value) for code, value in folding().items()}
    return {**digits, **folds}


@lru_cache(maxsize=2)
def _codes(kind: str) -> Any:
    """Return the folding of a view as an array: the folded code point at the index of each code point."""
    import numpy as np

    table = np.arange(0x110000, dtype=np.uint32)
    for code, value in _folds(kind).items():
        table[code] = ord(value)
    return table


@dataclass(frozen=True, slots=True)
class ContactTables:
    """What the contact view folds: forms of digits, spellings of messengers' names, and separators between digits.

    A variant is a pattern, its replacement, and characters of which a text must hold one for the pattern to match.
    """

    digits: dict[int, str]
    variants: tuple[tuple[re.Pattern[str], str, str], ...]
    gaps: re.Pattern[str]


@lru_cache(maxsize=1)
def contact_tables() -> ContactTables:
    """Return ``contact.toml``, compiled."""
    table = tomllib.loads(table_text("contact.toml"))
    digits = {ord(form): digit for digit, forms in table["digits"].items() for form in forms}
    variants = tuple((re.compile(row["pattern"]), row["replacement"], row["signs"]) for row in table["variant"])
    return ContactTables(digits, variants, re.compile(table["gap"]))


@lru_cache(maxsize=1)
def folding() -> dict[int, str]:
    """Return the character table of the folded view: Simplified, half-width, plain spaces."""
    table = {ord(form): value for form, value in converter("t2s").characters.items() if len(value) == 1}
    table.update({code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)})
    # All of Unicode's white space but the ends of lines and the tab.
    table.update(dict.fromkeys([0x0B, *range(0x1C, 0x20), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)], " "))
    table.update(dict.fromkeys([0x2028, 0x2029, 0x202F, 0x205F, 0x3000], " "))
    return table
