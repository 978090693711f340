"""Words that OpenCC's conversion to Simplified spoils, and what is right. The table is asked before OpenCC.

``pattern`` matches the Traditional text; what it matches becomes ``result`` (default: it stays as it is). A row holds
for all conversions, or for those that it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import re2
from pydantic import BeforeValidator, Field, field_validator

from qingwen.config import CONVERSIONS
from qingwen.rules.patterns import re2_options
from qingwen.rules.row_checks import Context, Program, Row, Texts, neighbours
from qingwen.text.opencc import converter


def _pairs(turns: Any) -> Any:
    if not isinstance(turns, list) or not all(isinstance(turn, list) and len(turn) == 2 for turn in turns):
        raise ValueError("turns must be pairs of a Traditional line and its Simplified")
    return tuple(map(tuple, turns))


class KeptWord(Row, Context):
    """A word that stays, or becomes another than OpenCC's, where its context fits.

    ``turns`` are pairs of a Traditional line and its Simplified; ``spares`` are lines that the row must miss.
    """

    pattern: Program
    turns: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs), Field(min_length=1)]
    result: str | None = None
    conversions: Texts = CONVERSIONS
    spares: Texts = ()

    @field_validator("pattern")
    @classmethod
    def _takes_a_word(cls, pattern: Any) -> Any:
        if pattern.search(b""):
            raise ValueError("the pattern must match a word, and it matches the empty text")
        return pattern

    @field_validator("conversions")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in CONVERSIONS]
        if unknown:
            raise ValueError(f"unknown conversion {unknown[0]!r}. It must be one of {', '.join(CONVERSIONS)}")
        return names


@dataclass(frozen=True)
class KeptWordTable:
    """All rows, in order; of two that match at one place the first counts."""

    rows: tuple[KeptWord, ...] = ()

    def joined(self, other: KeptWordTable) -> KeptWordTable:
        """Return this table with another's rows added; a row with a known id replaces that row."""
        rows = {row.id: row for row in (*self.rows, *other.rows)}
        return KeptWordTable(tuple(rows.values()))

    def find(self, text: str, conversion: str) -> Iterator[tuple[int, int, str, str]]:
        """Yield (start, end, right form, id) of each word that a row decides, from left to right."""
        rows, which = self._filters[conversion]
        octets = text.encode("utf-8", "replace")
        numbers = which.Match(octets) or () if rows else ()
        matches = [(match.start(), n, match.end()) for n in numbers for match in rows[n].pattern.finditer(octets)]
        counted = start = end = 0  # bytes counted so far; the place of the last match in characters
        for first, n, last in sorted(matches):
            start += len(octets[counted:first].decode())
            counted = first
            if start < end:
                continue
            behind = start + len(octets[first:last].decode())
            if rows[n].fits(*neighbours(text, start, behind)):
                end = behind
                word = text[start:end]
                yield start, end, word if rows[n].result is None else str(rows[n].result), rows[n].id

    def changes(self, text: str, conversion: str) -> Iterator[tuple[int, int, str, str]]:
        """Yield (start, end, replacement, rule) of every stretch that the table or OpenCC changes."""
        convert, library, done = converter(conversion), f"script.{conversion}", 0
        for start, end, after, rule in [*self.find(text, conversion), (len(text), len(text), "", "")]:
            yield from ((done + a, done + b, value, library) for a, b, value in convert.changes(text[done:start]))
            if text[start:end] != after:
                yield start, end, after, rule
            done = end

    def convert(self, text: str, conversion: str) -> str:
        """Return the text converted: the table first, OpenCC for the rest."""
        pieces, done = [], 0
        for start, end, after, _ in self.changes(text, conversion):
            pieces += [text[done:start], after]
            done = end
        return "".join((*pieces, text[done:]))

    @cached_property
    def _filters(self) -> Mapping[str, tuple[list[KeptWord], Any]]:
        """Return, by conversion, its rows, and RE2's filter of those that match in a text."""
        return {name: _filter([row for row in self.rows if name in row.conversions]) for name in CONVERSIONS}

    @property
    def n_cases(self) -> int:
        """Return how many cases the rows carry."""
        return sum(len(row.turns) + len(row.spares) for row in self.rows)

    def check(self) -> list[str]:
        """Run every row against its cases and return what is wrong, one sentence each."""
        faults = []
        for row in self.rows:
            for name in row.conversions:
                for line, right in row.turns:
                    converted = self.convert(line, name)
                    if converted != right:
                        faults.append(f"{row.table}: {row.id}: {name} makes {converted!r} of {line!r}, not {right!r}.")
                    elif not any(rule == row.id for *_, rule in self.find(line, name)):
                        faults.append(f"{row.table}: {row.id}: does not match its case {line!r}.")
                faults += [
                    f"{row.table}: {row.id}: matches {line!r}, which it spares."
                    for line in row.spares
                    if any(rule == row.id for *_, rule in self.find(line, name))
                ]
        return faults


def _filter(rows: list[KeptWord]) -> tuple[list[KeptWord], Any]:
    which: Any = re2.Filter()
    for row in rows:
        which.Add(row.pattern.pattern, re2_options())
    which.Compile()
    return rows, which
