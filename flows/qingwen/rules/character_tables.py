"""The tables of the character passes, read from the wheel once and compiled."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from importlib import resources
from typing import Any


def read_table(name: str) -> dict[str, Any]:
    """Return one shipped table, parsed."""
    return tomllib.loads(resources.files("qingwen.rules").joinpath(name).read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class UnicodeTable:
    """The unwanted characters: `places` finds them in a text, `find` says what each is.

    ``unwanted`` are those of the basic plane.
    """

    single: Mapping[str, tuple[str, str]]
    ranges: tuple[tuple[int, int, str, str], ...]
    flagged: frozenset[str]
    unwanted: frozenset[str]

    def places(self, text: str, characters: frozenset[str]) -> Iterator[int]:
        """Yield the places of unwanted characters in a text; ``characters`` are all that it holds."""
        unwanted = sorted(self.unwanted & characters)
        unwanted += [char for char in characters if char > "\uffff" and self._in_ranges(ord(char))]
        if unwanted:
            pattern = re.compile("[" + "".join(map(re.escape, unwanted)) + "]")
            yield from (match.start() for match in pattern.finditer(text))

    def _in_ranges(self, code: int) -> bool:
        return chr(code) in self.single or any(first <= code <= last for first, last, _, _ in self.ranges)

    def find(self, char: str) -> tuple[str, str]:
        """Return the rule that names a character, and what takes its place."""
        known = self.single.get(char)
        if known is not None:
            return known
        code = ord(char)
        return next((rule, value) for first, last, rule, value in self.ranges if first <= code <= last)


@lru_cache(maxsize=1)
def unicode_table() -> UnicodeTable:
    """Compile the table of characters; a row of single characters wins over a row of ranges."""
    table = read_table("unicode.toml")
    single = {form: (row["id"], value) for row in table["map"] for form, value in row["pairs"].items()}
    for row in table["normal"]:
        for char in _characters(row["ranges"]):
            value = unicodedata.normalize(row["form"], char)
            if value != char:
                single.setdefault(char, (row["id"], value))
    ranges = tuple(
        (first, last, row["id"], row["replacement"]) for row in table["class"] for first, last in _bounds(row["ranges"])
    )
    basic = {chr(code) for first, last, _, _ in ranges if last <= 0xFFFF for code in range(first, last + 1)}
    return UnicodeTable(
        single=single,
        ranges=ranges,
        flagged=frozenset(row["id"] for row in table["class"] if row.get("flag")),
        unwanted=frozenset(basic | {char for char in single if char <= "\uffff"}),
    )


def _bounds(ranges: Iterable[str]) -> Iterable[tuple[int, int]]:
    for entry in ranges:
        first, _, last = entry.partition("-")
        yield int(first, 16), int(last or first, 16)


def _characters(ranges: Iterable[str]) -> Iterable[str]:
    return (chr(code) for first, last in _bounds(ranges) for code in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class EntityTable:
    """The entities that are replaced in text, by name; ``trigger`` finds them."""

    rule: str
    values: Mapping[str, str]
    trigger: re.Pattern[str]

    def value(self, match: re.Match[str]) -> str:
        """Return the character of an entity that the trigger matched, by its name or its number."""
        name = match["name"]
        if not name.startswith("#"):
            return self.values[name]
        code = int(name[2:], 16) if name[1:2] in "xX" else int(name[1:])
        # As in the HTML standard: 133 is the ellipsis of Windows' code page, no control character.
        return unescape(f"&{name};") if 32 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


@lru_cache(maxsize=1)
def entity_table() -> EntityTable:
    """Compile the table of entities."""
    values = dict(read_table("unicode.toml")["entity"])
    rule = values.pop("id")
    names = "|".join(values)
    pattern = rf"&(?:amp;)*(?P<name>{names}|#[0-9]{{2,6}}|#[xX][0-9A-Fa-f]{{2,5}});"
    return EntityTable(rule, values, re.compile(pattern))


@dataclass(frozen=True, slots=True)
class LookalikeTable:
    """Letters that look like Latin ones; ``words`` finds words of Latin letters that hold some of them."""

    rule: str
    values: Mapping[str, str]
    words: re.Pattern[str]


@lru_cache(maxsize=1)
def lookalike_table() -> LookalikeTable:
    """Compile the table of look-alike letters."""
    row = read_table("unicode.toml")["lookalike"]
    letters = "".join(row["pairs"])
    # Mostly Latin: two Latin letters side by side, and nothing of the other alphabet but look-alikes.
    other = r"A-Za-z\u00c0-\u024f\u0370-\u052f"
    word = rf"(?<![{other}])(?=[A-Za-z]*[{letters}])(?=[A-Za-z{letters}]*[A-Za-z]{{2}})[A-Za-z{letters}]+(?![{other}])"
    return LookalikeTable(row["id"], row["pairs"], re.compile(word))


@dataclass(frozen=True, slots=True)
class PunctuationTable:
    """What the punctuation and spacing passes need."""

    marks: frozenset[str]
    wide: Mapping[str, str]
    folds: str
    protect: re.Pattern[str]
    protect_plain: re.Pattern[str]
    ellipsis: str
    dash: str
    wave: str
    stop: str
    quotes: str
    inner_quotes: str
    clause_ends: str
    spaced_words: tuple[str, ...]
    none_after: str
    none_before: str


def _union(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


@lru_cache(maxsize=1)
def punctuation_table() -> PunctuationTable:
    """Compile the table of marks and of protected places."""
    table = read_table("punctuation.toml")
    as_written = ("wide", "folds", "ellipsis", "dash", "wave", "stop", "quotes", "inner_quotes", "clause_ends")
    return PunctuationTable(
        marks=frozenset(table["marks"]),
        protect=_union(table["protect"].values()),
        protect_plain=_union(table["protect"][name] for name in table["protect_plain"]),
        spaced_words=tuple(table["spacing"]["spaced_words"]),
        none_after=table["spacing"]["none_after"],
        none_before=table["spacing"]["none_before"],
        **{name: table[name] for name in as_written},
    )
