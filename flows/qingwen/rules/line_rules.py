"""One row of a table of lines: what it removes, where, and the cases that hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qingwen.errors import RuleError
from qingwen.model import Label
from qingwen.rules.patterns import LinePattern
from qingwen.rules.row_checks import in_lines, know, named, need, one_of, tables_of, typed
from qingwen.text.match_view import CONTACT, FOLDED, RAW, View
from qingwen.text.spans import Span

SCOPES = ("head", "article", "tail", "any")
VIEWS = (RAW, FOLDED, CONTACT)
CUTS = ("block", "match")
# What is cut inside a paragraph is shorter; a longer pattern would read far ahead of each match.
LONGEST_CUT = 200
_REQUIRED = ("id", "label", "scope", "pattern", "why", "since", "matches")
_KNOWN = (*_REQUIRED, "view", "cut", "spares", "not_this", "opens_tail")
_TEXTS, _CASES = ("id", "label", "scope", "view", "cut", "pattern", "why"), ("matches", "spares", "not_this")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a rule table: what it removes, where, and the cases that hold it.

    ``cut`` is ``block`` (the whole block goes) or ``match`` (only what matched, inside a kept block).
    ``opens_tail``: what follows such a block is no article any more (相关文章).
    ``spares`` are news lines that no removing rule may hit; ``not_this`` are lines that this rule must miss.
    """

    id: str
    label: Label
    scope: str
    view: str
    pattern: LinePattern
    why: str
    since: str
    matches: tuple[str, ...]
    spares: tuple[str, ...] = ()
    not_this: tuple[str, ...] = ()
    cut: str = "block"
    opens_tail: bool = False
    table: str = ""

    def find(self, seen: View) -> Span | None:
        """Return the raw span of the first match in a view of the rule's kind, or None; each line is searched.

        A pattern that only looks (and takes nothing) speaks of the whole line.
        """
        at = 0
        for line in seen.text.split("\n"):
            found = self.pattern.search(line)
            if found is not None:
                start, end = found
                return seen.back(at + start, at + end) if start < end else Span(0, seen.length)
            at += len(line) + 1
        return None


def parse_rules(table: Mapping[str, Any], name: str) -> Iterator[Rule]:
    """Yield the rows that a table holds; refuse a wrong one."""
    for number, row in enumerate(tables_of(table, "rule", name), 1):
        yield _rule(row, name, number)


def _rule(row: Mapping[str, Any], table: str, number: int) -> Rule:
    where = f"{table}: {row.get('id', f'row {number}')}"
    need(row, _REQUIRED, where)
    know(row, _KNOWN, where)
    typed(row, where, texts=_TEXTS, lists=_CASES, flags=("opens_tail",))
    named(row, where)
    one_of(
        where, "label", row["label"], tuple(label.value for label in Label if label not in (Label.TITLE, Label.BODY))
    )
    one_of(where, "scope", row["scope"], SCOPES)
    one_of(where, "view", row.get("view", RAW), VIEWS)
    one_of(where, "cut", row.get("cut", "block"), CUTS)
    pattern = in_lines(row["pattern"], where)
    if pattern.search("") is not None:
        raise RuleError(f"{where}: the pattern matches the empty line, and so everything.")
    if row.get("cut") == "match":
        _in_text(pattern, where)
    return Rule(
        id=row["id"],
        label=Label(row["label"]),
        scope=row["scope"],
        view=row.get("view", RAW),
        pattern=pattern,
        why=row["why"],
        since=str(row["since"]),
        matches=tuple(row["matches"]),
        spares=tuple(row.get("spares", ())),
        not_this=tuple(row.get("not_this", ())),
        cut=row.get("cut", "block"),
        opens_tail=bool(row.get("opens_tail", False)),
        table=table,
    )


def _in_text(pattern: LinePattern, where: str) -> None:
    """Refuse a pattern that is searched in a whole text, match after match, and may read far ahead for each."""
    if pattern.looks:
        raise RuleError(f'{where}: cut = "match" takes no look-ahead; match what it looks for.')
    if pattern.width is None or pattern.width > LONGEST_CUT:
        raise RuleError(f'{where}: cut = "match" takes at most {LONGEST_CUT} characters; write {{0,40}} for *.')
