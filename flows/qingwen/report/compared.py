"""A comparison of two datasets for a person: lines of a terminal, tables of the review page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qingwen.report.compare import NO_INPUT, Comparison, Move, Pair, RuleChange
from qingwen.report.differences import APPEARED, PENDING, WENT
from qingwen.report.examples import KEPT
from qingwen.report.terminal import counted, printed

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
_ID, _LONGEST = 12, 100
_WHOLE = "the page"


def lines(comparison: Comparison) -> Iterator[str]:
    """Yield the comparison as lines for a terminal; nothing that a page, a path or a rule holds can steer it.

    An example that begins with ``- `` was kept and is removed now, with ``+ `` the other way round, with ``~ ``
    anything else; behind it stand what it was and is, and where.
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
    """Return the comparison as tables of the review page: title, columns, rows of plain strings."""
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
    """Return what the pages of some records are where they are no records."""
    where = ("before", "the old") if move.change == APPEARED else ("now", "the new")
    if move.reason == NO_INPUT:
        return f"no input of {where[1]}"
    return f"{move.reason} {where[0]}" if move.reason == PENDING else f"rejected {where[0]} by {move.reason}"


def _rule(rule: RuleChange) -> Iterator[str]:
    """Yield a rule's name, what it does in each dataset, and its examples."""
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
    """Return both counts and the difference, or the one that stands for both."""
    return str(pair.new) if pair.old == pair.new else f"{pair.old} → {pair.new} ({pair.new - pair.old:+})"
