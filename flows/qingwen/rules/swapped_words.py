"""The substitution table: words that a farm swapped to dodge the advertising law, and how each is taken back.

A substitution has ordered clauses; the first whose contexts match decides: ``restore``, ``keep`` or ``flag``. Its class
says what the form is: ``A`` no word (蕞), ``B`` a word that stands in the place of another (头部 for 第一), ``C`` a
synonym, of which no context can tell, so that it is only ever flagged, on the sites that the row names. A *strict*
clause is one in which the form is not Chinese: it proves by itself that the page is spun. All restoring clauses of
class A are strict unless they say otherwise; of class B those that say so.

Regular expressions are anchored at the form: ``left`` ends where it starts, ``right`` starts where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qingwen.errors import RuleError
from qingwen.rules.row_checks import compiled, know, named, need, one_of, tables_of, texts_of, typed

ACTIONS = ("restore", "keep", "flag")
CLASSES = ("A", "B", "C")
STATUSES = ("active", "proposed")
# So far back a left context may look.
_LEFT = 16
# And so far ahead what stands near: the steps of a list and the parts of a speech come within it.
_NEAR = 600
_NAMED = re.compile(r"\{([A-Z]+)\}")
_REQUIRED = ("id", "form", "original", "class", "clause", "why", "since")
_KNOWN = (*_REQUIRED, "restores", "keeps", "guards", "words", "sites", "status", "source")
_TEXTS = ("id", "form", "original", "class", "why", "words", "status", "source")
_CONTEXTS = ("id", "action", "left", "left_not", "right", "near")
_CLAUSE = ("id", "action", "left", "left_not", "right", "score", "strict", "near", "near_window")


@dataclass(frozen=True, slots=True)
class Clause:
    """One context of a form and what to do in it; ``strict``: the form is not Chinese here."""

    id: str
    action: str
    left: re.Pattern[str] | None
    left_not: re.Pattern[str] | None
    right: re.Pattern[str] | None
    score: float
    strict: bool
    near: re.Pattern[str] | None
    near_window: int

    def fits(self, text: str, start: int, end: int) -> bool:
        """Tell whether the form at ``start..end`` stands in this clause's context."""
        back = max(0, start - _LEFT)
        if self.right is not None and not self.right.match(text, end):
            return False
        if self.left is not None and not self.left.search(text, back, start):
            return False
        if self.left_not is not None and self.left_not.search(text, back, start):
            return False
        return self.near is None or self.near.search(text, end, end + self.near_window) is not None


# What decides a form behind which a word of its own begins.
GUARDED = Clause("guard", "keep", None, None, None, 1.0, False, None, 0)


@dataclass(frozen=True, slots=True)
class Substitution:
    """A form, the original it stands for, its class, and the clauses that tell one from the other.

    ``guards`` are words of which the first characters follow the form: where one stands, the form is left (头部|名企).
    ``sites``: the row acts on pages of these sites only. A ``proposed`` row (mined, not yet reviewed) never acts.
    """

    id: str
    form: str
    original: str
    kind: str
    clauses: tuple[Clause, ...]
    guards: frozenset[str]
    guard_sizes: tuple[int, ...]
    restores: tuple[str, ...]
    keeps: tuple[str, ...]
    sites: frozenset[str] = frozenset()
    status: str = "active"

    def acts_on(self, site: str | None) -> bool:
        """Tell whether the row is asked on a page of a site."""
        return self.status == "active" and (not self.sites or site in self.sites)

    def clause(self, text: str, start: int) -> Clause | None:
        """Return the first clause that fits the form at ``start``; None: nothing is known, leave it."""
        end = start + len(self.form)
        if any(text[end : end + size] in self.guards for size in self.guard_sizes):
            return GUARDED
        return next((clause for clause in self.clauses if clause.fits(text, start, end)), None)

    def decisions(self, text: str) -> Iterator[tuple[int, Clause | None]]:
        """Yield the place of each form in a text with the clause that decides it, or None."""
        at = text.find(self.form)
        while at >= 0:
            yield at, self.clause(text, at)
            at = text.find(self.form, at + len(self.form))


@dataclass(frozen=True)
class SpunTable:
    """All substitutions, in order."""

    subs: tuple[Substitution, ...]

    def joined(self, other: SpunTable) -> SpunTable:
        """Return this table with another's rows added; a row with a known id takes its place."""
        rows = {sub.id: sub for sub in (*self.subs, *other.subs)}
        return SpunTable(tuple(rows.values()))

    def proves(self, text: str) -> bool:
        """Tell whether a text holds a form that is no word (class A) where a strict clause restores it."""
        return any(
            clause is not None and clause.strict and clause.action == "restore"
            for sub in self.subs
            if sub.kind == "A" and sub.form in text and sub.acts_on(None)
            for _, clause in sub.decisions(text)
        )

    @cached_property
    def n_cases(self) -> int:
        """Return how many cases the rows carry."""
        return sum(len(sub.restores) + len(sub.keeps) for sub in self.subs)

    def check(self) -> list[str]:
        """Run every active substitution against its cases and return what is wrong, one sentence each."""
        faults = []
        for sub in (sub for sub in self.subs if sub.status == "active"):
            for case in sub.restores:
                if not any(clause and clause.action == "restore" for _, clause in sub.decisions(case)):
                    faults.append(f"{sub.id}: does not restore {sub.form} in {case!r}.")
            for case in sub.keeps:
                faults += [
                    f"{sub.id}: clause {clause.id} restores {sub.form} in {case!r}, which must stay."
                    for _, clause in sub.decisions(case)
                    if clause and clause.action == "restore"
                ]
        return faults


def parse_spun(table: Mapping[str, Any], name: str) -> SpunTable:
    """Return the substitutions of one parsed TOML table; refuse a wrong row."""
    classes = texts_of(table, "classes", name)
    words = {key: frozenset(listed.split()) for key, listed in texts_of(table, "words", name).items()}
    return SpunTable(tuple(_sub(row, classes, words, name) for row in tables_of(table, "sub", name)))


def _sub(
    row: Mapping[str, Any], classes: Mapping[str, str], words: Mapping[str, frozenset[str]], name: str
) -> Substitution:
    where = f"{name}: {row.get('id', '?')}"
    need(row, _REQUIRED, where)
    know(row, _KNOWN, where)
    typed(row, where, texts=_TEXTS, lists=("restores", "keeps", "guards", "sites"))
    named(row, where)
    one_of(where, "class", row["class"], CLASSES)
    status = row.get("status", STATUSES[0])
    one_of(where, "status", status, STATUSES)
    if status == "active" and not (row.get("restores") or row["class"] == "C"):
        raise RuleError(f"{where}: restores is missing. No rule without cases: name lines in which it must act.")
    if row["class"] == "C" and not row.get("sites"):
        raise RuleError(f"{where}: a synonym (class C) needs sites: no context tells it from the right word.")
    listed = row.get("words")
    if listed is not None and listed not in words:
        raise RuleError(f"{where}: there is no word list {listed!r} in the table's [words].")
    guards = frozenset(row.get("guards", ())) | words.get(listed or "", frozenset())
    return Substitution(
        id=row["id"],
        form=row["form"],
        original=row["original"],
        kind=row["class"],
        clauses=tuple(_clause(clause, row["class"], classes, where) for clause in tables_of(row, "clause", where)),
        guards=guards,
        guard_sizes=tuple(sorted({len(word) for word in guards})),
        restores=tuple(row.get("restores", ())),
        keeps=tuple(row.get("keeps", ())),
        sites=frozenset(row.get("sites", ())),
        status=status,
    )


def _clause(row: Mapping[str, Any], kind: str, classes: Mapping[str, str], where: str) -> Clause:
    here = f"{where}: clause {row.get('id', '?')}"
    need(row, _CLAUSE[:2], here)
    know(row, _CLAUSE, here)
    typed(row, here, texts=_CONTEXTS, flags=("strict",), numbers=("score", "near_window"))
    one_of(here, "action", row.get("action"), ACTIONS)
    if kind == "C" and row["action"] == "restore":
        raise RuleError(f"{here}: a synonym (class C) is never restored by itself. Let the clause flag.")
    near_window = int(row.get("near_window", _NEAR))
    if not 0 <= near_window <= _NEAR:
        raise RuleError(f"{here}: near_window must be from 0 to {_NEAR}; each form reads so many characters again.")
    return Clause(
        id=row["id"],
        action=row["action"],
        left=_context(row.get("left"), classes, here, "(?:{})$", _LEFT),
        left_not=_context(row.get("left_not"), classes, here, "(?:{})$", _LEFT),
        right=_context(row.get("right"), classes, here, "(?:{})"),
        score=float(row.get("score", 1.0)),
        strict=bool(row.get("strict", kind == "A")),
        near=_context(row.get("near"), classes, here, "(?:{})"),
        near_window=near_window,
    )


def _context(
    pattern: str | None, classes: Mapping[str, str], here: str, frame: str, longest: int | None = None
) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        named = _NAMED.sub(lambda found: classes[found[1]], pattern)
    except KeyError as fault:
        raise RuleError(f"{here}: the context {pattern!r} does not compile: there is no class {fault}.") from fault
    return compiled(frame.replace("{}", named), here, longest)
