"""Pinyin: content farms print the reading after each character that they change, 國(guó); the readings are removed.

A gloss, 蕞（zuì）, and a language lesson are the writer's own and stay. A farm prints readings after characters that
have another form in Simplified text, and after many of them.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from qingwen.model import Flag
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.text.characters import HAN
from qingwen.text.opencc import converter, traditional_only
from qingwen.text.spans import Edit, Span

READING = "pinyin.reading"
_LETTERS = r"a-z\u00e0-\u01dc\u0300-\u030c"
_BRACKETED = re.compile(f"(?<=[{HAN}])[(（]([{_LETTERS}]{{1,7}})[)）]")
# The remains of a lost character: 城?h經濟, or a reading with nothing before it.
_LOST = re.compile(
    f"(?<=[{HAN}])[?\ufffd]?[a-z](?=[{HAN}])|(?<=[{HAN})）])\\?(?=\\([{_LETTERS}]{{1,7}}\\))"
    f"|(?<![{HAN}{_LETTERS}A-Z?])\\((?=[{_LETTERS}]*[\u00e0-\u00fc\u0101-\u01dc])[{_LETTERS}]{{1,7}}\\)"
)
# A farm prints readings after most characters with another form, a lesson only after those that it teaches.
_MIN_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class _Reading:
    """A bracketed reading; ``changed``: its character has a Simplified form; ``right``: it has this reading."""

    part: str
    span: Span
    text: str
    changed: bool
    right: bool


def drop_readings(draft: Draft, context: Context) -> Proposal:
    """Propose, in a farm's page, the removal of every reading that its character has; flag other readings.

    Places where a character was lost are flagged too.
    """
    found = [reading for part, text in draft.parts.items() for reading in _readings_in(part, text)]
    farm = [reading for reading in found if reading.changed and reading.right]
    if len(farm) < context.config.min_readings or len(farm) < _MIN_SHARE * _n_traditional(draft):
        return Proposal()
    wrong = [reading for reading in found if reading.changed and not reading.right]
    flags = [Flag(reading.part, READING, reading.span, reading.text) for reading in wrong]
    flags += (
        Flag(part, "pinyin.lost", Span(*lost.span()), lost[0])
        for part, text in draft.parts.items()
        for lost in _LOST.finditer(text)
    )
    edits = [Edit(reading.part, reading.span, reading.text, "", READING) for reading in farm]
    return Proposal(tuple(edits), tuple(flags))


def _readings_in(part: str, text: str) -> Iterator[_Reading]:
    other_form = _with_another_form()
    for match in _BRACKETED.finditer(text):
        char = text[match.start() - 1]
        changed = char in other_form
        yield _Reading(part, Span(*match.span()), match[0], changed, changed and _reads(char, match[1]))


@lru_cache(maxsize=1)
def _with_another_form() -> frozenset[str]:
    """Return the characters that OpenCC changes, alone or in a phrase (the 瞭 of 瞭解)."""
    table = converter("t2s")
    pairs = [
        pair for phrases in table.phrases for key, value in phrases.items() for pair in zip(key, value, strict=False)
    ]
    return frozenset(old for old, new in [*pairs, *table.characters.items()] if old != new)


def _n_traditional(draft: Draft) -> int:
    hant = traditional_only()
    return sum(text.count(char) for text in draft.parts.values() for char in hant.intersection(text))


def _reads(char: str, reading: str) -> bool:
    """Tell whether a character, or its Simplified form, has the reading, with or without its tone."""
    given = unicodedata.normalize("NFC", reading)
    known = _readings(char) | _readings(converter("t2s").characters.get(char, char))
    return given in known or given in {_bare(reading) for reading in known}


@lru_cache(maxsize=4096)
def _readings(char: str) -> frozenset[str]:
    from pypinyin.constants import PINYIN_DICT

    return frozenset(PINYIN_DICT.get(ord(char), "").split(","))


def _bare(reading: str) -> str:
    letters = unicodedata.normalize("NFD", reading)
    return "".join(letter for letter in letters if not unicodedata.combining(letter) or letter == "\u0308")
