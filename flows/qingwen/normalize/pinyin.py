"""Pinyin: content farms print the reading after characters that they change, 國(guó); the readings are removed.

A gloss, 蕞（zuì）, and a language lesson are the writer's own and stay. A farm prints readings inside running text,
after common characters that have another form in Simplified text, and again when a character comes again.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qingwen.model import Flag
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.text.characters import HAN
from qingwen.text.opencc import converter
from qingwen.text.spans import Edit, Span

READING = "pinyin.reading"
_LETTERS = r"a-z\u00e0-\u01dc\u0300-\u030c"
_BRACKETED = re.compile(f"(?<=[{HAN}])[(（]([{_LETTERS}]{{1,7}})[)）]")
# The remains of a lost character: 城?h經濟, or a reading with nothing before it.
_LOST = re.compile(
    f"(?<=[{HAN}])[?\ufffd]?[a-z](?=[{HAN}])|(?<=[{HAN})）])\\?(?=\\([{_LETTERS}]{{1,7}}\\))"
    f"|(?<![{HAN}{_LETTERS}A-Z?])\\((?=[{_LETTERS}]*[\u00e0-\u00fc\u0101-\u01dc])[{_LETTERS}]{{1,7}}\\)"
)
# In words of a list (a lesson's) fewer Han characters than this stand between two marks.
_MIN_RUNNING = 4
# The least shares of a farm's readings: those that are their character's, that stand behind characters with another
# form, behind common ones, and in running text.
_MIN_AGREEMENT = _MIN_CHANGED = _MIN_COMMON = 0.8
_MIN_IN_TEXT = 0.5
_MARKS_BETWEEN = re.compile(f"[^{HAN}]+")
# Two marks of a pause side by side: what stood between them went with a reading.
_DOUBLED = re.compile("(?<=[，、])[，、]+|(?<=,),+")
DOUBLED = "pinyin.doubled-mark"


@dataclass(frozen=True, slots=True)
class _Reading:
    """A bracketed reading; ``changed``: its character has a Simplified form; ``right``: it has this reading."""

    part: str
    span: Span
    text: str
    char: str
    changed: bool
    right: bool


def drop_readings(draft: Draft, context: Context) -> Proposal:
    """Propose, in a farm's page, the removal of every reading that its character has; flag other readings.

    Places where a character was lost are flagged too. Where the page does not prove a farm, its readings are flagged.
    """
    found = [reading for part, text in draft.parts.items() for reading in _readings_in(part, text)]
    farm = [reading for reading in found if reading.changed and reading.right]
    if len(farm) < context.config.min_readings:
        return Proposal()
    if not _is_farm(draft, found, farm):
        return Proposal(flags=tuple(Flag(reading.part, READING, reading.span, reading.text) for reading in farm))
    wrong = [reading for reading in found if reading.changed and not reading.right]
    flags = [Flag(reading.part, READING, reading.span, reading.text) for reading in wrong]
    flags += (
        Flag(part, "pinyin.lost", Span(*lost.span()), lost[0])
        for part, text in draft.parts.items()
        for lost in _LOST.finditer(text)
    )
    edits = [Edit(reading.part, reading.span, reading.text, "", READING) for reading in farm]
    edits += (
        Edit(part, Span(*marks.span()), marks[0], "", DOUBLED)
        for part, text in draft.parts.items()
        for marks in _DOUBLED.finditer(text)
    )
    return Proposal(tuple(edits), tuple(flags))


def reading_brackets(text: str) -> Iterator[Span]:
    """Yield the brackets, with what they hold, of the readings in a text that their characters have.

    >>> [span.of("聽(tīng)說，函數(sin)") for span in reading_brackets("聽(tīng)說，函數(sin)")]
    ['(tīng)']
    """
    for match in _BRACKETED.finditer(text):
        if _reads(text[match.start() - 1], match[1]):
            yield Span(*match.span())


def _is_farm(draft: Draft, found: Sequence[_Reading], farm: Sequence[_Reading]) -> bool:
    """Tell whether a farm printed a page's readings, and no teacher and no writer who explains a word.

    A lesson teaches characters in a list, or each at its first mention; a writer glosses rare ones.
    """
    texts = {part: _BRACKETED.sub("", text) for part, text in draft.parts.items()}
    agreeing = sum(reading.changed for reading in found) * _MIN_AGREEMENT <= len(farm)
    behind_changed = sum(reading.right for reading in found) * _MIN_CHANGED <= len(farm)
    behind_common = len(farm) * _MIN_COMMON <= sum(_common(reading.char) for reading in farm)
    in_text = sum(_running(draft.parts[reading.part], reading.span) for reading in farm)
    printed = Counter(reading.char for reading in farm)
    again = [char for char in printed if sum(text.count(char) for text in texts.values()) > 1]
    taught = 2 * len(again) >= len(printed) and not any(printed[char] > 1 for char in again)
    return agreeing and behind_changed and behind_common and in_text >= _MIN_IN_TEXT * len(farm) and not taught


def _running(text: str, reading: Span) -> bool:
    """Tell whether a reading stands in a stretch of text without a mark, and in no list of words."""
    left = _BRACKETED.sub("", text[max(0, reading.start - _AROUND) : reading.start])
    right = _BRACKETED.sub("", text[reading.start - 1 : reading.end + _AROUND])[1:]
    before, after = _MARKS_BETWEEN.split(left)[-1], _MARKS_BETWEEN.split(right)[0]
    return len(before) + len(after) >= _MIN_RUNNING


# So many characters around a reading are looked at for marks.
_AROUND = 60


def _common(char: str) -> bool:
    """Tell whether a character's Simplified form is of the first level of GB 2312."""
    octets = converter("t2s").characters.get(char, char).encode("gb2312", "ignore")
    return len(octets) == 2 and 0xB0 <= octets[0] <= 0xD7


def _readings_in(part: str, text: str) -> Iterator[_Reading]:
    other_form = _with_another_form()
    for match in _BRACKETED.finditer(text):
        char = text[match.start() - 1]
        yield _Reading(part, Span(*match.span()), match[0], char, char in other_form, _reads(char, match[1]))


@lru_cache(maxsize=1)
def _with_another_form() -> frozenset[str]:
    """Return the characters that OpenCC changes, alone or in a phrase (the 瞭 of 瞭解)."""
    table = converter("t2s")
    pairs = [
        pair for phrases in table.phrases for key, value in phrases.items() for pair in zip(key, value, strict=False)
    ]
    return frozenset(old for old, new in [*pairs, *table.characters.items()] if old != new)


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
