"""OpenCC's conversions, compiled from the library's own dictionaries. The only file that knows the library."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from importlib.metadata import distribution
from pathlib import Path

from qingwen.text import Edit, Span, align, apply


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

    The library tries, in each stretch between separators, dictionary by dictionary, the longest key first, the
    leftmost among equals; what is left of a match and what is right of it are tried again.
    Source: opencc-python-reimplemented, ``opencc/opencc.py``.
    """

    def __init__(self, tables: Sequence[Mapping[str, str]], separators: re.Pattern[str]) -> None:
        self._separators = separators
        self.phrases = [table for table in tables if max(map(len, table), default=0) > 1]
        self._lengths = [sorted({len(key) for key in table}, reverse=True) for table in self.phrases]
        singles = [table for table in tables if max(map(len, table), default=0) == 1]
        self.characters: dict[str, str] = {}
        for table in reversed(singles):
            self.characters.update(table)
        self._trigger = re.compile("[" + "".join(map(re.escape, self._keys())) + "]")

    def _keys(self) -> list[str]:
        changed = {key for key, value in self.characters.items() if key != value}
        return sorted(changed | {key[0] for table in self.phrases for key in table})

    def changes(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield (start, end, replacement) of every stretch that the step changes, from left to right."""
        if not self._trigger.search(text):
            return
        done = 0
        for gap in self._separators.finditer(text):
            yield from self._stretch(text, done, gap.start(), 0)
            done = gap.end()
        yield from self._stretch(text, done, len(text), 0)

    def _stretch(self, text: str, start: int, end: int, depth: int) -> Iterator[tuple[int, int, str]]:
        if start == end:
            return
        if depth == len(self.phrases):
            for at in range(start, end):
                value = self.characters.get(text[at])
                if value is not None and value != text[at]:
                    yield at, at + 1, value
            return
        table = self.phrases[depth]
        # Matches longest first, leftmost first: the library's order, found without its tree of substrings.
        taken: list[tuple[int, int]] = []
        for length in self._lengths[depth]:
            if length > end - start:
                continue
            at = start
            while at + length <= end:
                if text[at : at + length] in table and all(at >= e or at + length <= s for s, e in taken):
                    taken.append((at, at + length))
                    at += length
                else:
                    at += 1
        done = start
        for left, right in sorted(taken):
            yield from self._stretch(text, done, left, depth + 1)
            value = table[text[left:right]]
            if value != text[left:right]:
                yield left, right, value
            done = right
        yield from self._stretch(text, done, end, depth + 1)


@lru_cache(maxsize=8)
def converter(conversion: str) -> Converter:
    """Compile one of the library's conversions (``t2s``, ``tw2sp``) from the dictionaries in its distribution.

    The PyPI package ``opencc`` installs a module of the same name, so the files are found through the metadata of
    ``opencc-python-reimplemented`` and not through the module.
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
def traditional_only() -> frozenset[str]:
    """Return the characters that stand in Traditional text only: OpenCC's keys less those right in Simplified text."""
    table = tomllib.loads(resources.files("qingwen.rules").joinpath("script.toml").read_text("utf-8"))
    characters = converter("t2s").characters
    right_in_simplified = {*table["shared"], *characters.values()}
    return frozenset(key for key in characters if key not in right_in_simplified)


@lru_cache(maxsize=32)
def words_with(char: str) -> tuple[tuple[str, int], ...]:
    """Return the Traditional words of OpenCC's phrases that hold a character, each with where it stands in the word."""
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
    """Return the characters that stand in Simplified text only: those that Traditional text always writes otherwise."""
    traditional = converter("t2s").characters
    entries = _entries("STCharacters.txt").items()
    return frozenset(key for key, values in entries if key not in values and key not in traditional)
