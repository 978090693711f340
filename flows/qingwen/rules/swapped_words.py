"""Swapped words: what a farm wrote to dodge the advertising law, and the contexts in which each word goes back.

A row has ordered clauses; the first whose context fits decides: ``restore``, ``keep`` or ``flag``. Its class says
what the form is: ``A`` no word (蕞), ``B`` a word that replaces another (头部 for 第一), ``C`` a synonym, which no
context tells from the right word, so that it is only ever flagged, on the sites that the row names. In a *strict*
clause the form is not Chinese: the clause proves by itself that the page is spun. All restoring clauses of class A are
strict unless they say otherwise; of class B those that say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from qingwen.errors import RuleError
from qingwen.rules.row_checks import (
    RIGHT_WINDOW,
    Cases,
    Context,
    Number,
    Program,
    Row,
    Text,
    Texts,
    TextSet,
    neighbours,
    read_row,
    tables_of,
    texts_of,
)

_CLASS = re.compile(r"\{([A-Z]+)\}")


class Clause(Context):
    """One context of a form and what to do in it; ``strict``: the form is not Chinese here.

    ``near`` must match in the ``near_window`` characters behind the form.
    """

    id: Text
    action: Literal["restore", "keep", "flag"]
    score: Number = 1.0
    strict: bool = False
    near: Program = None
    near_window: Annotated[int, Field(ge=0, le=RIGHT_WINDOW)] = RIGHT_WINDOW

    def fits(self, before: bytes, behind: bytes) -> bool:
        """Tell whether this clause's context fits a form with such neighbours."""
        if not super().fits(before, behind):
            return False
        if self.near is not None and self.near_window < RIGHT_WINDOW:
            behind = behind.decode()[: self.near_window].encode()
        return self.near is None or bool(self.near.search(behind))


# Decides a form behind which a guarded word begins.
GUARDED = Clause(id="guard", action="keep")


class SwappedWord(Row):
    """A form, the original that it replaces, its class (``kind``), and the clauses that tell one from the other.

    ``guards`` are words that begin right behind the form: in front of one the form stays (头部|名企).
    ``sites``: the row acts on pages of these sites only. A ``proposed`` row (mined, not yet reviewed) never acts.
    """

    form: Text
    original: Text
    kind: Annotated[Literal["A", "B", "C"], Field(alias="class")]
    clauses: Annotated[tuple[Clause, ...], Field(alias="clause", min_length=1)]
    restores: Cases | tuple[()] = ()
    keeps: Texts = ()
    guards: TextSet = frozenset()
    words: str | None = None
    sites: TextSet = frozenset()
    status: Literal["active", "proposed"] = "active"
    source: str = ""

    @model_validator(mode="after")
    def _has_cases(self) -> SwappedWord:
        if self.status == "active" and not self.restores and self.kind != "C":
            raise ValueError("restores is missing. No rule without cases: name lines in which it must act")
        if self.kind == "C" and not self.sites:
            raise ValueError("a synonym (class C) needs sites: no context tells it from the right word")
        if self.kind == "C" and any(clause.action == "restore" for clause in self.clauses):
            raise ValueError("a synonym (class C) is never restored by itself. Let the clause flag")
        return self

    @cached_property
    def _guard_sizes(self) -> tuple[int, ...]:
        return tuple(sorted({len(word) for word in self.guards}))

    def acts_on(self, site: str | None) -> bool:
        """Tell whether the row is asked on a page of a site."""
        return self.status == "active" and (not self.sites or site in self.sites)

    def clause(self, text: str, start: int) -> Clause | None:
        """Return the first clause that fits the form at ``start``; None: nothing is known, leave it."""
        end = start + len(self.form)
        if any(text[end : end + size] in self.guards for size in self._guard_sizes):
            return GUARDED
        before, behind = neighbours(text, start, end)
        return next((clause for clause in self.clauses if clause.fits(before, behind)), None)

    def decisions(self, text: str) -> Iterator[tuple[int, Clause | None]]:
        """Yield the place of each form in a text with the clause that decides it, or None."""
        at = text.find(self.form)
        while at >= 0:
            yield at, self.clause(text, at)
            at = text.find(self.form, at + len(self.form))


@dataclass(frozen=True)
class SwappedWordTable:
    """All swapped words, in order."""

    rows: tuple[SwappedWord, ...] = ()

    def joined(self, other: SwappedWordTable) -> SwappedWordTable:
        """Return this table with another's rows added; a row with a known id replaces that row."""
        rows = {row.id: row for row in (*self.rows, *other.rows)}
        return SwappedWordTable(tuple(rows.values()))

    def proves(self, text: str) -> bool:
        """Tell whether a text holds a form that is no word (class A) where a strict clause restores it."""
        return any(
            clause is not None and clause.strict and clause.action == "restore"
            for row in self.rows
            if row.kind == "A" and row.form in text and row.acts_on(None)
            for _, clause in row.decisions(text)
        )

    @property
    def n_cases(self) -> int:
        """Return how many cases the rows carry."""
        return sum(len(row.restores) + len(row.keeps) for row in self.rows)

    def check(self) -> list[str]:
        """Run every active row against its cases and return what is wrong, one sentence each."""
        faults = []
        for row in (row for row in self.rows if row.status == "active"):
            for case in row.restores:
                if not any(clause and clause.action == "restore" for _, clause in row.decisions(case)):
                    faults.append(f"{row.table}: {row.id}: does not restore {row.form} in {case!r}.")
            for case in row.keeps:
                faults += [
                    f"{row.table}: {row.id}: clause {clause.id} restores {row.form} in {case!r}, which must stay."
                    for _, clause in row.decisions(case)
                    if clause and clause.action == "restore"
                ]
        return faults


def parse_swapped_words(table: Mapping[str, Any], name: str) -> SwappedWordTable:
    """Return the ``[[sub]]`` rows of one parsed TOML table; refuse a wrong row."""
    classes = texts_of(table, "classes", name)
    words = {key: frozenset(listed.split()) for key, listed in texts_of(table, "words", name).items()}
    rows = enumerate(tables_of(table, "sub", name), 1)
    return SwappedWordTable(tuple(_row(row, classes, words, (name, number)) for number, row in rows))


def _row(
    row: Mapping[str, Any], classes: Mapping[str, str], words: Mapping[str, frozenset[str]], place: tuple[str, int]
) -> SwappedWord:
    name, number = place
    where = f"{name}: {row.get('id', f'sub row {number}')}"
    clauses = tuple(_clause(clause, row.get("class"), classes, where) for clause in tables_of(row, "clause", where))
    swapped = read_row(SwappedWord, {**row, "clause": clauses, "(table)": name}, where)
    if swapped.words is None:
        return swapped
    if swapped.words not in words:
        raise RuleError(f"{where}: there is no word list {swapped.words!r} in the table's [words].")
    return swapped.model_copy(update={"guards": swapped.guards | words[swapped.words]})


def _clause(row: Mapping[str, Any], kind: Any, classes: Mapping[str, str], where: str) -> Clause:
    """Return a clause; ``kind`` is the class of its row, ``classes`` are patterns by the names used in contexts."""
    here = f"{where}: clause {row.get('id', '?')}"
    try:
        named = {
            key: _CLASS.sub(lambda found: classes[found[1]], value) if isinstance(value, str) else value
            for key, value in row.items()
        }
    except KeyError as fault:
        raise RuleError(f"{here}: there is no class {fault} in the table's [classes].") from fault
    return read_row(Clause, {"strict": kind == "A", **named}, here)
