"""Pages that are no article at all, told by lines that such pages have: a novel's chapter, a product, a firm."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Annotated

from pydantic import Field, model_validator

from qingwen.rules.patterns import LinePattern, PatternError, Scanner, line_bounds
from qingwen.rules.row_checks import Cases, Row
from qingwen.text.match_view import FOLDED, view


class PageRule(Row):
    """One row: a page with ``needed`` of the ``signs`` is refused under the row's id.

    Each sign is a pattern, searched in the folded text of lines of at most ``max_chars`` characters. ``matches`` and
    ``spares`` are pages, line by line.
    """

    signs: Cases
    needed: Annotated[int, Field(ge=2, le=20)]
    matches: Cases
    spares: Cases
    max_chars: Annotated[int, Field(ge=1, le=200)] = 40

    @cached_property
    def lines(self) -> list[LinePattern]:
        """Return the signs, compiled for lines."""
        return [LinePattern(sign, self.max_chars) for sign in self.signs]

    @model_validator(mode="after")
    def _can_speak(self) -> "PageRule":
        try:
            empty = any(line.search("") is not None for line in self.lines)
        except PatternError as fault:
            raise ValueError(f"RE2 does not take a sign: {fault}") from fault
        if empty:
            raise ValueError("a sign matches the empty line, and so everything")
        if self.needed > len(self.signs):
            raise ValueError(f"needs {self.needed} of {len(self.signs)} signs")
        return self


@dataclass(frozen=True)
class PageRules:
    """All rows, compiled; a row with a known id replaces that row."""

    rows: tuple[PageRule, ...] = ()

    def refusal(self, lines: Sequence[str]) -> tuple[PageRule, list[str]] | None:
        """Return the first row that refuses a page, with a line for each of its signs that the page has; else None."""
        found = self._found(lines)
        starts = [0, *accumulate(len(row.signs) for row in self.rows)]
        for row, start in zip(self.rows, starts, strict=False):
            said = [found[n] for n in range(start, start + len(row.signs)) if n in found]
            if len(said) >= row.needed:
                return row, said
        return None

    def _found(self, lines: Sequence[str]) -> dict[int, str]:
        """Return the first line of each sign, by the number of the sign among those of all rows."""
        found: dict[int, str] = {}
        for sign, line, _ in self._scanner.find(view("\n".join(lines), FOLDED), line_bounds(lines)):
            found.setdefault(sign, lines[line])
        return found

    @cached_property
    def _scanner(self) -> Scanner:
        return Scanner([line for row in self.rows for line in row.lines])

    def joined(self, rows: Iterator[PageRule]) -> "PageRules":
        """Return these rows and others."""
        return PageRules(tuple({row.id: row for row in (*self.rows, *rows)}.values()))

    def check(self) -> list[str]:
        """Run each row against its cases and return what is wrong, one sentence each."""
        faults = []
        for row in self.rows:
            alone = PageRules((row,))
            faults += [
                f"{row.table}: {row.id}: does not refuse its case {case!r}."
                for case in row.matches
                if alone.refusal(case.split("\n")) is None
            ]
            faults += [
                f"{row.table}: {row.id}: refuses {case!r}, which {owner.id} spares."
                for owner in self.rows
                for case in owner.spares
                if alone.refusal(case.split("\n")) is not None
            ]
        return faults

    @property
    def n_cases(self) -> int:
        """Return how many cases the rows carry."""
        return sum(len(row.matches) + len(row.spares) for row in self.rows)
