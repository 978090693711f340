"""The keep table: words that OpenCC's conversion to Simplified spoils, and what is right. It is asked before OpenCC.

``pattern`` matches the Traditional text; what it matches becomes ``result`` (default: it stays as it is). A row holds
for all conversions, or for those that it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qingwen.config import CONVERSIONS
from qingwen.errors import RuleError
from qingwen.rules.row_checks import compiled, know, named, need, one_of, tables_of, typed
from qingwen.text.opencc import converter

_REQUIRED = ("id", "pattern", "why", "since", "turns")
_KNOWN = (*_REQUIRED, "result", "conversions", "spares")


@dataclass(frozen=True, slots=True)
class Keep:
    """One word that stays, or becomes another than OpenCC's.

    ``turns`` are pairs of a Traditional line and its Simplified; ``spares`` are lines that the row must miss.
    """

    id: str
    pattern: str
    result: str | None
    conversions: tuple[str, ...]
    why: str
    since: str
    turns: tuple[tuple[str, str], ...]
    spares: tuple[str, ...]
    table: str


@dataclass(frozen=True)
class KeepTable:
    """All rows, in order; of two that match at one place the first counts."""

    rows: tuple[Keep, ...] = ()
    _compiled: dict[str, tuple[re.Pattern[str] | None, tuple[Keep, ...]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def joined(self, other: KeepTable) -> KeepTable:
        """Return this table with another's rows added; a row with a known id takes its place."""
        rows = {row.id: row for row in (*self.rows, *other.rows)}
        return KeepTable(tuple(rows.values()))

    def find(self, text: str, conversion: str) -> Iterator[tuple[int, int, str, str]]:
        """Yield (start, end, right form, id) of each word that a row decides, from left to right."""
        pattern, rows = self._of(conversion)
        if pattern is None:
            return
        for found in pattern.finditer(text):
            row = rows[int((found.lastgroup or "k0")[1:])]
            yield found.start(), found.end(), found[0] if row.result is None else row.result, row.id

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

    def _of(self, conversion: str) -> tuple[re.Pattern[str] | None, tuple[Keep, ...]]:
        if conversion not in self._compiled:
            rows = tuple(row for row in self.rows if conversion in row.conversions)
            union = "|".join(f"(?P<k{number}>{row.pattern})" for number, row in enumerate(rows))
            self._compiled[conversion] = (re.compile(union) if rows else None, rows)
        return self._compiled[conversion]

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
                    found = self.convert(line, name)
                    if found != right:
                        faults.append(f"{row.table}: {row.id}: {name} makes {found!r} of {line!r}, not {right!r}.")
                    elif not any(rule == row.id for *_, rule in self.find(line, name)):
                        faults.append(f"{row.table}: {row.id}: does not match its case {line!r}.")
                faults += [
                    f"{row.table}: {row.id}: matches {line!r}, which it spares."
                    for line in row.spares
                    if any(rule == row.id for *_, rule in self.find(line, name))
                ]
        return faults


def parse_keep(table: Mapping[str, Any], name: str) -> KeepTable:
    """Return the rows of one parsed TOML table; refuse a wrong row."""
    return KeepTable(tuple(_row(row, name, number) for number, row in enumerate(tables_of(table, "keep", name), 1)))


def _row(row: Mapping[str, Any], table: str, number: int) -> Keep:
    where = f"{table}: {row.get('id', f'keep row {number}')}"
    need(row, _REQUIRED, where)
    know(row, _KNOWN, where)
    typed(row, where, texts=("id", "pattern", "result", "why"), lists=("conversions", "spares"))
    named(row, where)
    conversions = tuple(row.get("conversions", CONVERSIONS))
    for name in conversions:
        one_of(where, "conversion", name, CONVERSIONS)
    pattern = compiled(f"(?:{row['pattern']})", where)  # one of many: without flags of its own
    if pattern.groups or pattern.search(""):
        raise RuleError(f"{where}: the pattern must match a word and hold no capturing group; write (?:...).")
    turns = row["turns"]
    if not (isinstance(turns, list) and all(map(_is_turn, turns))):
        raise RuleError(f"{where}: turns must be pairs of a Traditional line and its Simplified.")
    return Keep(
        id=row["id"],
        pattern=row["pattern"],
        result=row.get("result"),
        conversions=conversions,
        why=row["why"],
        since=str(row["since"]),
        turns=tuple((line, right) for line, right in turns),
        spares=tuple(row.get("spares", ())),
        table=table,
    )


def _is_turn(turn: Any) -> bool:
    return isinstance(turn, list) and len(turn) == 2 and all(isinstance(line, str) for line in turn)
