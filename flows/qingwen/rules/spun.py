"""The substitution table: words that a farm swapped to dodge the advertising law, and how each is taken back.

A substitution has ordered clauses; the first whose contexts match decides: ``restore``, ``keep`` or ``flag``.
Regular expressions are anchored at the form: ``left`` ends where it starts, ``right`` starts where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qingwen.errors import RuleError

ACTIONS = ("restore", "keep", "flag")
_NAMED = re.compile(r"\{([A-Z]+)\}")


@dataclass(frozen=True, slots=True)
class Clause:
    """One context of a form and what to do in it; ``self_evident`` proves by itself that the page is spun."""

    id: str
    action: str
    left: re.Pattern[str] | None
    right: re.Pattern[str] | None
    score: float
    self_evident: bool
    near: str | None
    near_window: int

    def fits(self, text: str, start: int, end: int) -> bool:
        """Tell whether the form at ``start..end`` stands in this clause's context."""
        if self.left is not None and not self.left.search(text, max(0, start - 16), start):
            return False
        if self.right is not None and not self.right.match(text, end):
            return False
        return self.near is None or self.near in text[end : end + self.near_window]


@dataclass(frozen=True, slots=True)
class Substitution:
    """A form, the original it stands for, and the clauses that tell one from the other.

    ``self_evidence``: a restored form proves that the page is spun (a non-word such as 蕞).
    ``needs_evidence``: the form is also a right word (头部) and is restored only in a page that is proved spun.
    """

    id: str
    form: str
    original: str
    self_evidence: bool
    needs_evidence: bool
    clauses: tuple[Clause, ...]
    guards: tuple[str, ...]
    restores: tuple[str, ...]
    keeps: tuple[str, ...]

    def clause(self, text: str, start: int) -> Clause | None:
        """Return the first clause that fits the form at ``start``; None: nothing is known, leave it."""
        end = start + len(self.form)
        if any(text.startswith(word, end) for word in self.guards):
            return None
        return next((clause for clause in self.clauses if clause.fits(text, start, end)), None)

    def decisions(self, text: str) -> Iterator[tuple[int, Clause]]:
        """Yield the place of each form in a text with the clause that decides it."""
        at = text.find(self.form)
        while at >= 0:
            clause = self.clause(text, at)
            if clause is not None:
                yield at, clause
            at = text.find(self.form, at + len(self.form))


@dataclass(frozen=True)
class SpunTable:
    """All substitutions, in order."""

    subs: tuple[Substitution, ...]

    def joined(self, other: SpunTable) -> SpunTable:
        """Return this table with another's rows added; a row with a known id takes its place."""
        rows = {sub.id: sub for sub in (*self.subs, *other.subs)}
        return SpunTable(tuple(rows.values()))

    @cached_property
    def n_cases(self) -> int:
        """Return how many cases the rows carry."""
        return sum(len(sub.restores) + len(sub.keeps) for sub in self.subs)

    def check(self) -> list[str]:
        """Run every substitution against its cases and return what is wrong, one sentence each."""
        faults = []
        for sub in self.subs:
            for case in sub.restores:
                if not any(clause.action == "restore" for _, clause in sub.decisions(case)):
                    faults.append(f"{sub.id}: does not restore {sub.form} in {case!r}.")
            for case in sub.keeps:
                faults += [
                    f"{sub.id}: clause {clause.id} restores {sub.form} in {case!r}, which must stay."
                    for _, clause in sub.decisions(case)
                    if clause.action == "restore"
                ]
        return faults


def parse_spun(table: Mapping[str, Any], name: str) -> SpunTable:
    """Return the substitutions of one parsed TOML table; refuse a wrong row."""
    classes = dict(table.get("classes", {}).items())
    return SpunTable(tuple(_sub(row, classes, name) for row in table["sub"]))


def _sub(row: Mapping[str, Any], classes: Mapping[str, str], name: str) -> Substitution:
    where = f"{name}: {row.get('id', '?')}"
    for key in ("id", "form", "original", "clause", "restores", "keeps"):
        if not row.get(key) and key not in ("keeps", "restores"):
            raise RuleError(f"{where}: {key} is missing. A substitution has id, form, original, clause and cases.")
        if key not in row:
            raise RuleError(f"{where}: {key} is missing. No rule without cases: name at least one each way.")
    return Substitution(
        id=row["id"],
        form=row["form"],
        original=row["original"],
        self_evidence=bool(row.get("self_evidence", False)),
        needs_evidence=bool(row.get("needs_evidence", False)),
        clauses=tuple(_clause(clause, classes, where) for clause in row["clause"]),
        guards=tuple(row.get("guards", ())),
        restores=tuple(row["restores"]),
        keeps=tuple(row["keeps"]),
    )


def _clause(row: Mapping[str, Any], classes: Mapping[str, str], where: str) -> Clause:
    here = f"{where}: clause {row.get('id', '?')}"
    if row.get("action") not in ACTIONS:
        raise RuleError(f"{here}: unknown action {row.get('action')!r}. It must be one of {', '.join(ACTIONS)}.")
    return Clause(
        id=row["id"],
        action=row["action"],
        left=_context(row.get("left"), classes, here, "(?:{})$"),
        right=_context(row.get("right"), classes, here, "(?:{})"),
        score=float(row.get("score", 1.0)),
        self_evident=bool(row.get("self_evident", False)),
        near=row.get("near"),
        near_window=int(row.get("near_window", 600)),
    )


def _context(pattern: str | None, classes: Mapping[str, str], here: str, frame: str) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        named = _NAMED.sub(lambda found: classes[found[1]], pattern)
        return re.compile(frame.replace("{}", named))
    except (KeyError, re.error) as fault:
        raise RuleError(f"{here}: the context {pattern!r} does not compile: {fault}.") from fault
