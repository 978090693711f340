"""Readings: farms print each changed character with its pinyin behind it, 國(guó); the readings go.

A single gloss, 蕞（zuì）, is the writer's own and stays: only a page that is full of readings loses them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from qingwen.model import Flag
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.text import Edit, Span
from qingwen.views import converter

_READING = re.compile(r"(?<=[\u3400-\u4dbf\u4e00-\u9fff])[(\uff08]([a-z\u00e0-\u01dc\u0300-\u030c]{1,7})[)\uff09]")


def drop_readings(draft: Draft, context: Context) -> Proposal:
    """Propose the removal of every bracketed reading that is one of its character's; flag those that are not."""
    found = [
        (part, match, _reads(text[match.start() - 1], match[1]))
        for part, text in draft.parts.items()
        for match in _READING.finditer(text)
    ]
    if sum(right for _, _, right in found) < context.config.min_readings:
        return Proposal()
    return Proposal(
        edits=tuple(Edit(part, Span(*m.span()), m[0], "", "pinyin.reading") for part, m, right in found if right),
        flags=tuple(Flag(part, "pinyin.reading", Span(*m.span()), m[0]) for part, m, right in found if not right),
    )


def _reads(char: str, reading: str) -> bool:
    """Tell whether a character, or what OpenCC simplifies it to, has the reading; without its tone too."""
    said = unicodedata.normalize("NFC", reading)
    known = _readings(char) | _readings(converter("t2s").characters.get(char, char))
    return said in known or said in {_bare(reading) for reading in known}


@lru_cache(maxsize=4096)
def _readings(char: str) -> frozenset[str]:
    from pypinyin.constants import PINYIN_DICT

    return frozenset(PINYIN_DICT.get(ord(char), "").split(","))


def _bare(reading: str) -> str:
    letters = unicodedata.normalize("NFD", reading)
    return "".join(letter for letter in letters if not unicodedata.combining(letter) or letter == "\u0308")
