"""Compare two datasets: a summary for the terminal, tables for the review page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qingwen.dataset.database import Database
from qingwen.dataset.dataset import versions_of
from qingwen.dataset.location import Location
from qingwen.review.diff_examples import KEPT, Example, examples_of
from qingwen.review.diff_tables import APPEARED, CHANGED, KINDS, NEW, OLD, PENDING, WENT, differences
from qingwen.review.terminal import counted, printed

NO_INPUT = "no input"

_SITES = "sites.json"


class Pair(NamedTuple):
    """A count in the old and in the new dataset."""

    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Move:
    """Records that appeared or went for one reason: the outcome of their pages in the other dataset.

    ``examples`` are pairs (id, source_path), smallest ids first.
    """

    change: str
    reason: str
    records: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """The effect of a rule in each dataset, over the pages that both datasets have.

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
    """The differences between two datasets; ``rules`` are sorted by the size of the difference.

    ``only`` counts the pages that only one dataset has; ``notes`` are sentences about other differences than rules.
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
        """Return how many records kept their title and text."""
        return self.records.new - self.changed - self.moved(APPEARED)

    def moved(self, change: str) -> int:
        """Return how many records appeared, or went."""
        return sum(move.records for move in self.moves if move.change == change)


def compare(old: Location, new: Location, *, examples: int = 3) -> Comparison:
    """Compare two datasets made from the same inputs with different rules.

    ``examples`` limits how many places each rule shows: places where it acts only now, and only before.

    Raises:
        SetupError: one of the two is not a dataset.
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


def changes(old: Location, new: Location) -> Iterator[tuple[str, str, str, str]]:
    """Yield each record that changed, appeared or went: id, change, rules that differ on it, source path.

    Raises: as `compare`.
    """
    with differences(old, new) as database:
        yield from database.each(
            "SELECT page, change, coalesce(string_agg(rule, ' ' ORDER BY rule) FILTER (differs), ''), any_value(path) "
            "FROM pages LEFT JOIN effects USING (page) WHERE change IS NOT NULL GROUP BY page, change ORDER BY page"
        )


def _notes(old: Location, new: Location) -> Iterator[str]:
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


def _learned(dataset: Location) -> str:
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
    for rule, *numbers in database.rows(query):
        pairs = [Pair(int(before), int(after)) for before, after in zip(numbers[:-2:2], numbers[1:-2:2], strict=True)]
        counts = dict(zip(KINDS, pairs[:-1], strict=True))
        yield RuleChange(rule, counts, pairs[-1], numbers[-2], numbers[-1], tuple(shown.get(rule, ())))


Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]

_ID, _LONGEST = 12, 100

_WHOLE = "the page"


def lines(comparison: Comparison) -> Iterator[str]:
    """Yield the comparison as lines for a terminal; control characters of pages and paths are escaped.

    An example that begins with ``- `` was kept and is removed now, with ``+ `` the other way round, with ``~ ``
    anything else; then come the old and the new outcome, and the place.
    """
    yield printed(f"{comparison.old} → {comparison.new}")
    yield from map(printed, comparison.notes)
    yield ""
    if comparison.equal:
        records, rejections = comparison.records.new, comparison.rejections.new
        yield f"Nothing differs: {counted(records, 'record')} and {counted(rejections, 'rejection')} in both."
        return
    yield (
        f"Records {_arrow(comparison.records)}: {comparison.changed} changed, {comparison.moved(APPEARED)} appeared, "
        f"{comparison.moved(WENT)} went, {comparison.same} as they were. Rejections {_arrow(comparison.rejections)}."
    )
    if any(comparison.only):
        yield (
            f"The inputs differ: {counted(comparison.only.old, 'page')} of the old alone, {comparison.only.new} of "
            "the new alone. By rule, the pages of both are counted."
        )
    for move in comparison.moves:
        yield ""
        yield printed(f"{counted(move.records, 'record')} {move.change}: {_reason(move)}")
        yield from (printed(f"    {page[:_ID]}  {path}") for page, path in move.examples)
    for rule in comparison.rules:
        yield ""
        yield from _rule(rule)
    yield ""
    yield printed(f"Why?  qingwen explain {comparison.new} ID   or   qingwen explain {comparison.old} ID")


def tables(comparison: Comparison) -> list[Table]:
    """Return the comparison as tables for the review page: title, columns, rows of strings."""
    kinds = list(comparison.rules[0].counts) if comparison.rules else []
    numbers = [
        ("records, old", comparison.records.old),
        ("records, new", comparison.records.new),
        ("records that changed", comparison.changed),
        ("records that appeared", comparison.moved(APPEARED)),
        ("records that went", comparison.moved(WENT)),
        ("records as they were", comparison.same),
        ("rejections, old", comparison.rejections.old),
        ("rejections, new", comparison.rejections.new),
        ("pages of the old alone", comparison.only.old),
        ("pages of the new alone", comparison.only.new),
    ]
    moves = [
        (move.change, _reason(move), move.records, ", ".join(page[:_ID] for page, _ in move.examples))
        for move in comparison.moves
    ]
    rules = [
        (rule.rule, rule.differ, rule.records, *map(_arrow, (rule.pages, *rule.counts.values())))
        for rule in comparison.rules
    ]
    examples = [
        (found.rule, found.text or _WHOLE, found.was, found.now, found.page_id, found.source_path)
        for rule in comparison.rules
        for found in rule.examples
    ]
    listed: tuple[tuple[str, tuple[str, ...], Sequence[tuple[object, ...]]], ...] = (
        ("Old and new", ("what", "pages"), numbers),
        ("Records that appeared or went", ("record", "its page", "records", "such as"), moves),
        ("Rules that act otherwise", ("rule", "pages that differ", "records that differ", "pages", *kinds), rules),
        ("Examples", ("rule", "text", "old", "new", "id", "source_path"), examples),
    )
    return [
        (title, columns, [tuple(printed(str(cell)) for cell in row) for row in rows])
        for title, columns, rows in listed
        if rows
    ]


def _reason(move: Move) -> str:
    """Say what became of a record's page in the dataset that lacks the record."""
    where = ("before", "the old") if move.change == APPEARED else ("now", "the new")
    if move.reason == NO_INPUT:
        return f"no input of {where[1]}"
    return f"{move.reason} {where[0]}" if move.reason == PENDING else f"rejected {where[0]} by {move.reason}"


def _rule(rule: RuleChange) -> Iterator[str]:
    pages = counted(rule.differ, "page")
    yield printed(f"{rule.rule}: acts otherwise on {pages}, {rule.records} of them with another record")
    counts = {"pages": rule.pages, **rule.counts}
    yield "  " + ", ".join(f"{kind} {_arrow(pair)}" for kind, pair in counts.items() if any(pair))
    for found in rule.examples:
        mark = "-" if found.was == KEPT else "+" if found.now == KEPT else "~"
        text = found.text if len(found.text) <= _LONGEST else found.text[:_LONGEST] + "…"
        where = f"{found.page_id[:_ID]} {found.source_path}"
        yield printed(f"  {mark} {text or _WHOLE}  [{found.was} → {found.now}]  {where}")


def _arrow(pair: Pair) -> str:
    """Return both counts and their difference, or one number where they are equal."""
    return str(pair.new) if pair.old == pair.new else f"{pair.old} → {pair.new} ({pair.new - pair.old:+})"
