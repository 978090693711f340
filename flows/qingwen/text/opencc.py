"""OpenCC's conversions, compiled from the library's own dictionaries. No other file uses the library."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from qingwen.text.characters import table_text
from qingwen.text.spans import Edit, Span, align, apply


class Converter:
    """OpenCC's conversion compiled from the library's own dictionaries; its output equals the library's.

    A conversion is one step (``t2s``) or two (``tw2sp``: Taiwan's words first, then the script).
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self.characters = self.steps[-1].characters
        self.phrases = [table for step in self.steps for table in step.phrases]

    def changes(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield (start, end, replacement) of every stretch that conversion changes, from left to right."""
        if len(self.steps) == 1:
            yield from self.steps[0].changes(text)
            return
        edits: list[Edit] = []
        halfway = text
        for number, step in enumerate(self.steps):
            found = [Edit("", Span(a, b), halfway[a:b], after, "", number) for a, b, after in step.changes(halfway)]
            edits, halfway = edits + found, apply(halfway, found)
        at = 0
        for segment in align(text, edits):
            if segment.rules and segment.before != segment.after:
                yield at, at + len(segment.before), segment.after
            at += len(segment.before)

    def convert(self, text: str) -> str:
        """Return the text converted, equal to what the library returns."""
        pieces: list[str] = []
        done = 0
        for start, end, value in self.changes(text):
            pieces += (text[done:start], value)
            done = end
        return "".join((*pieces, text[done:]))


class Step:
    """One step of a conversion.

    In each stretch between separators, the library tries dictionary after dictionary, the longest key first and the
    leftmost among equals, and repeats that on both sides of a match. So a match counts unless it overlaps one of an
    earlier dictionary, a longer one, or an equally long one to its left. Phrases are looked up only around one
    character of each. Source: opencc-python-reimplemented, ``opencc/opencc.py``.
    """

    def __init__(self, tables: Sequence[Mapping[str, str]], separators: re.Pattern[str]) -> None:
        self.phrases = [table for table in tables if max(map(len, table), default=0) > 1]
        self._anchored = [_Anchored(table, separators) for table in self.phrases]
        singles = [table for table in tables if max(map(len, table), default=0) == 1]
        self.characters: dict[str, str] = {}
        for table in reversed(singles):
            self.characters.update(table)
        # Unchanged characters need no match: no dictionary comes after the characters.
        changed = [key for key, value in self.characters.items() if key != value and not separators.search(key)]
        self._changed = _class_of(changed)

    def changes(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield (start, end, replacement) of every stretch that the step changes, from left to right."""
        free = bytearray(b"\x01") * len(text)
        found: list[tuple[int, int, str]] = []
        for anchored in self._anchored:
            for start, end, value in anchored.matches(text):
                if all(free[start:end]):
                    free[start:end] = bytes(end - start)
                    if value != text[start:end]:
                        found.append((start, end, value))
        characters = self.characters
        found += (
            (match.start(), match.end(), characters[match[0]])
            for match in self._changed.finditer(text)
            if free[match.start()]
        )
        found.sort()
        yield from found


class _Anchored:
    """The keys of one dictionary, each filed under the one of its characters that most keys share."""

    def __init__(self, table: Mapping[str, str], separators: re.Pattern[str]) -> None:
        self._table = table
        keys = [key for key in table if not separators.search(key)]
        shared = Counter(char for key in keys for char in set(key))
        self._filed: dict[str, list[tuple[str, int]]] = {}
        for key in keys:
            anchor = max(key, key=lambda char: (shared[char], char))
            self._filed.setdefault(anchor, []).append((key, key.index(anchor)))
        self._anchors = _class_of(self._filed)

    def matches(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield every match with its value, the longest first, the leftmost among equals; they may overlap."""
        found = []
        for anchor in self._anchors.finditer(text):
            at = anchor.start()
            for key, offset in self._filed[anchor[0]]:
                if at >= offset and text.startswith(key, at - offset):
                    found.append((-len(key), at - offset, key))
        found.sort()
        for size, start, key in found:
            yield start, start - size, self._table[key]


def _class_of(characters: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for any of the characters.

    Characters beyond the basic plane become alternatives: hundreds of them in a class slow the engine down many times.
    """
    listed = sorted(characters)
    basic = "".join(map(re.escape, (char for char in listed if char <= "\uffff")))
    astral = [char for char in listed if char > "\uffff"]
    others = f"|(?=[\U00010000-\U0010ffff])(?:{'|'.join(astral)})" if astral else ""
    return re.compile(f"[{basic}]{others}")


@lru_cache(maxsize=8)
def converter(conversion: str) -> Converter:
    """Compile one of the library's conversions (``t2s``, ``tw2sp``) from the dictionaries in its distribution.

    The files are found through the distribution ``opencc-python-reimplemented`` and not through the module, as the
    PyPI package ``opencc`` installs a module of the same name.
    """
    setting = json.loads(_library_file(f"{conversion}.json"))
    steps: list[Step] = []
    for step in setting["conversion_chain"]:
        listed = step["dict"]["dicts"] if step["dict"]["type"] == "group" else [step["dict"]]
        steps.append(Step([_dictionary(entry["file"]) for entry in listed], _separators()))
    return Converter(steps)


def _library_file(name: str) -> str:
    files = distribution("opencc-python-reimplemented").files or ()
    return next(Path(str(file.locate())).read_text("utf-8") for file in files if file.name == name)


def _dictionary(name: str) -> dict[str, str]:
    return {key: values[0] for key, values in _entries(name).items()}


def _entries(name: str) -> dict[str, list[str]]:
    rows = (line.strip().split("\t") for line in _library_file(name).splitlines())
    return {key: value.split(" ") for key, value in rows}


@lru_cache(maxsize=1)
def _separators() -> re.Pattern[str]:
    from opencc.opencc import OpenCC

    pattern: re.Pattern[str] = OpenCC().split_chars_re
    return pattern


@lru_cache(maxsize=1)
def _script_table() -> dict[str, Any]:
    return tomllib.loads(table_text("script.toml"))


def undecided() -> Mapping[str, str]:
    """Return the characters that OpenCC converts without context although another form may be right, with that form."""
    table: dict[str, str] = _script_table()["undecided"]
    return table


@lru_cache(maxsize=1)
def traditional_only() -> frozenset[str]:
    """Return the characters of Traditional text only: OpenCC's keys without those that are right in Simplified text."""
    characters = converter("t2s").characters
    right_in_simplified = {*_script_table()["shared"], *characters.values()}
    return frozenset(key for key in characters if key not in right_in_simplified)


@lru_cache(maxsize=32)
def words_with(char: str) -> tuple[tuple[str, int], ...]:
    """Return the Traditional words of OpenCC's phrases that hold a character, each with its position in the word."""
    words = {
        value for name in ("STPhrases.txt", "TSPhrases.txt") for value in _traditional_words(name) if char in value
    }
    return tuple(sorted((word, at) for word in words for at, held in enumerate(word) if held == char))


@lru_cache(maxsize=2)
def _traditional_words(name: str) -> frozenset[str]:
    entries = _entries(name)
    return frozenset(entries) if name.startswith("TS") else frozenset(v for values in entries.values() for v in values)


@lru_cache(maxsize=1)
def simplified_only() -> frozenset[str]:
    """Return the characters of Simplified text only: those that Traditional text always writes differently."""
    traditional = converter("t2s").characters
    entries = _entries("STCharacters.txt").items()
    return frozenset(key for key, values in entries if key not in values and key not in traditional)
