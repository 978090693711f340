"""Two datasets of the same inputs compared: which records changed, appeared or went, by rule, with examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from qingwen.corpus.database import Database
from qingwen.corpus.dataset import versions_of
from qingwen.corpus.place import Place
from qingwen.report.differences import APPEARED, CHANGED, KINDS, NEW, OLD, WENT, differences
from qingwen.report.examples import Example, examples_of

NO_INPUT = "no input"
_SITES = "sites.json"


class Pair(NamedTuple):
    """A count in the old dataset and in the new."""

    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Move:
    """Records that appeared or went for one reason: what their pages are in the other dataset.

    ``examples`` are (id, source_path) of the smallest ids.
    """

    change: str
    reason: str
    records: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What a rule does in each dataset, on the pages that both have.

    ``counts`` are by kind: blocks and characters removed, edits, flags, rejections; ``pages``: on which it acts;
    ``differ``: pages where it acts otherwise; ``records``: those of them whose record changed, appeared or went, be it
    by this rule or by another.
    """

    rule: str
    counts: Mapping[str, Pair]
    pages: Pair
    differ: int
    records: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two datasets; ``rules`` are sorted by the size of the difference.

    ``only``: pages that are an input of one alone; ``notes``: what else differs but the rules, in sentences.
    """

    old: str
    new: str
    notes: tuple[str, ...]
    records: Pair
    rejections: Pair
    only: Pair
    changed: int
    moves: tuple[Move, ...]
    rules: tuple[RuleChange, ...]

    @property
    def equal(self) -> bool:
        """Tell whether nothing differs."""
        return not (self.changed or self.moves or self.rules or any(self.only))

    @property
    def same(self) -> int:
        """Return how many records have the title and the text that they had."""
        return self.records.new - self.changed - self.moved(APPEARED)

    def moved(self, change: str) -> int:
        """Return how many records appeared, or went."""
        return sum(move.records for move in self.moves if move.change == change)


def compare(old: Place, new: Place, *, examples: int = 3) -> Comparison:
    """Return what differs between two datasets that were made of the same inputs with different rules.

    ``examples`` is how many places are shown of each rule where it acts now, and where it does no longer.

    Raises:
        SetupError: one of the two is no dataset.
    """
    with differences(old, new) as database:
        one = database.one
        return Comparison(
            old=str(old),
            new=str(new),
            notes=tuple(_notes(old, new)),
            records=Pair(*(one(f"SELECT count(*) FROM {age}_records") for age in (OLD, NEW))),
            rejections=Pair(*(one(f"SELECT count(*) FROM {age}_rejections") for age in (OLD, NEW))),
            only=Pair(*(one(f"SELECT count(*) FROM pages WHERE {other} IS NULL") for other in ("now", "was"))),
            changed=one("SELECT count(*) FROM pages WHERE change = ?", CHANGED),
            moves=tuple(_moves(database, examples)),
            rules=tuple(_rules(database, examples)),
        )


def changes(old: Place, new: Place) -> Iterator[tuple[str, str, str, str]]:
    """Yield each record that changed, appeared or went: its id, which of these, the rules that differ there, its path.

    Raises: as `compare`.
    """
    with differences(old, new) as database:
        yield from database.each(
            "SELECT page, change, coalesce(string_agg(rule, ' ' ORDER BY rule) FILTER (differs), ''), any_value(path) "
            "FROM pages LEFT JOIN effects USING (page) WHERE change IS NOT NULL GROUP BY page, change ORDER BY page"
        )


def _notes(old: Place, new: Place) -> Iterator[str]:
    before, after = versions_of(old), versions_of(new)
    rules = before.get("rules_version"), after.get("rules_version")
    yield f"Rules {rules[0]} → {rules[1]}." if rules[0] != rules[1] else f"Both were made with the rules {rules[0]}."
    if before.get("config_digest") != after.get("config_digest"):
        yield "The configurations differ: not every difference is one of the rules."
    schemas = before.get("schema_version"), after.get("schema_version")
    if schemas[0] != schemas[1]:
        yield f"The schema versions differ ({schemas[0]} → {schemas[1]}): rows may differ for that alone."
    if _learned(old) != _learned(new):
        yield "What was learned of sites differs: so may what site.template removes."


def _learned(dataset: Place) -> str:
    """Return the SiteBook as it is stored."""
    stated = dataset / "_state" / _SITES
    return stated.read_text("utf-8") if stated.exists() else ""


def _moves(database: Database, most: int) -> Iterator[Move]:
    query = (
        f"SELECT change, coalesce(CASE change WHEN '{APPEARED}' THEN was ELSE now END, '{NO_INPUT}') AS reason, "
        f"count(*), min(page, {int(most)}), arg_min(path, page, {int(most)}) FROM pages "
        f"WHERE change IN ('{APPEARED}', '{WENT}') GROUP BY change, reason ORDER BY change DESC, count(*) DESC, reason"
    )
    for change, reason, records, pages, paths in database.rows(query):
        yield Move(change, reason, records, tuple(zip(pages, paths, strict=True)))


def _rules(database: Database, most: int) -> Iterator[RuleChange]:
    sums = ", ".join(f"sum({age}_{kind})" for kind in KINDS for age in (OLD, NEW))
    acts = ", ".join(
        f"count(*) FILTER ({age}_blocks + {age}_edits + {age}_flags + {age}_rejections > 0)" for age in (OLD, NEW)
    )
    size = " + ".join(f"abs(new_{kind} - old_{kind})" for kind in KINDS if kind != "blocks")
    query = (
        f"SELECT rule, {sums}, {acts}, count(*) FILTER (differs), count(change) FILTER (differs) "
        "FROM effects JOIN pages USING (page) GROUP BY rule HAVING bool_or(differs) "
        f"ORDER BY sum({size}) DESC, count(*) FILTER (differs) DESC, rule"
    )
    shown = examples_of(database, most)
    for rule, *counted in database.rows(query):
        pairs = [Pair(int(before), int(after)) for before, after in zip(counted[:-2:2], counted[1:-2:2], strict=True)]
        counts = dict(zip(KINDS, pairs[:-1], strict=True))
        yield RuleChange(rule, counts, pairs[-1], counted[-2], counted[-1], tuple(shown.get(rule, ())))
