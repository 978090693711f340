"""Explain a page: mark each removed block and each changed character with the rule that did it."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qingwen.model import Flag, LabelledBlock
from qingwen.text.spans import Edit, Segment, align, undo


def stretches(
    parts: Mapping[str, str], blocks: Sequence[LabelledBlock], edits: Sequence[Edit]
) -> Iterator[tuple[LabelledBlock, list[Segment]]]:
    """Yield each block with its aligned segments (before, after, rules); a removed block has none.

    A change that crosses the end of a block belongs to the block where it starts.
    """
    left = {part: _aligned(text, [edit for edit in edits if edit.part == part]) for part, text in parts.items()}
    over: Counter[str] = Counter()  # characters that blocks took beyond their ends, by part
    for labelled in blocks:
        if labelled.text is not None:
            yield labelled, []
            continue
        part = labelled.part
        size = len(labelled.block.span) - over[part]
        taken = _take(left[part], size)
        over[part] = sum(len(segment.before) for segment in taken) - size
        yield labelled, taken


def _aligned(text: str, edits: list[Edit]) -> deque[Segment]:
    return deque(align(undo(text, edits), edits))


def _take(left: deque[Segment], size: int) -> list[Segment]:
    """Take the segments of the next ``size`` characters of the page's text."""
    taken: list[Segment] = []
    while left and size > 0:
        first = left.popleft()
        if not first.rules and len(first.before) > size:
            left.appendleft(Segment(first.before[size:], first.after[size:]))
            first = Segment(first.before[:size], first.after[:size])
        taken.append(first)
        size -= len(first.before)
    return taken


REMOVED, BEFORE, AFTER, NAME, KEPT, HEAD = "removed", "before", "after", "name", "kept", "head"

# Styles for a terminal; elsewhere the marks alone carry the meaning.
STYLES: Mapping[str, str] = {
    REMOVED: "strike red",
    BEFORE: "strike red",
    AFTER: "bold green",
    NAME: "cyan",
    KEPT: "",
    HEAD: "bold",
}

# How many flags are shown, with how many characters of context, and the longest flagged form.
_DOUBTS, _AROUND, _LONGEST = 20, 10, 30


# The facts of a page that say where they stand, by the names of their columns.
_FACTS = ("published_at", "authors", "source_name", "site")


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one style."""

    text: str
    style: str = KEPT


def explain(
    heading: str,
    parts: Mapping[str, str],
    blocks: Sequence[LabelledBlock],
    edits: Sequence[Edit],
    flags: Sequence[Flag],
    *,
    row: Mapping[str, Any] | None = None,
    places: Mapping[str, str] | None = None,
) -> Iterator[list[Run]]:
    """Yield the explanation, one list of runs a line; ``row`` is the record's, ``places`` says where its facts stand.

    A removed block is one line that begins with ``- `` and ends with its label, rule and reason. A change is shown as
    ``[before→after]`` in its line (a masked one as ``[███]``), and the line ends with the rules that changed it. Flags
    come last, each with ``? ``, its context, its rule and its candidate. A line that a fact comes from ends with
    ``← `` and the fact's name.
    """
    places = places or {}
    yield [Run(heading, HEAD)]
    yield []
    for labelled, mine in stretches(parts, blocks, edits):
        lines = list(_removed(labelled)) if labelled.text is not None else [_kept(mine, labelled.part)]
        lines[-1] += _facts_from(labelled.block.n, places)
        yield from lines
    yield []
    yield from _facts(row or {}, places)
    yield from _summary(blocks, edits, flags)
    yield from _doubts(parts, flags)


def _facts_from(n: int, places: Mapping[str, str]) -> list[Run]:
    """Return the mark of the facts that stand in a block."""
    names = [name for name, where in places.items() if f"line {n + 1}" in where.split(", ")]
    return [Run(f"  ← {', '.join(names)}", NAME)] if names else []


def _facts(row: Mapping[str, Any], places: Mapping[str, str]) -> Iterator[list[Run]]:
    """Yield each fact with the place that it comes from, if that is known."""
    for name in _FACTS:
        value = row.get(name)
        if value:
            words = "、".join(value) if isinstance(value, list) else str(value)
            yield [Run(f"{name}: ", HEAD), Run(words), Run(f"  [{places[name]}]" if name in places else "", NAME)]


def _doubts(parts: Mapping[str, str], flags: Sequence[Flag]) -> Iterator[list[Run]]:
    """Yield the flags in context, each with its candidate and the clause that proposed it."""
    for flag in flags[:_DOUBTS]:
        text, span = parts[flag.part], flag.span
        perhaps = f" perhaps {flag.candidate}" if flag.candidate else ""
        clause = f" ({flag.clause})" if flag.clause else ""
        around = _AROUND if span else 0  # a flag of the page as a whole has no place in it
        before, after = text[max(0, span.start - around) : span.start], text[span.end : span.end + around]
        yield [
            Run("? ", HEAD),
            Run(before.replace("\n", " ")),
            Run(f"[{span.of(text)[:_LONGEST] or flag.form}]", BEFORE),
            Run(after.replace("\n", " ")),
            Run(f"  {flag.rule}{clause}{perhaps}", NAME),
        ]
    if len(flags) > _DOUBTS:
        yield [Run(f"  … and {len(flags) - _DOUBTS} more", NAME)]


def _removed(labelled: LabelledBlock) -> Iterator[list[Run]]:
    verdict = labelled.verdict
    words = " ".join((labelled.text or "").split())
    yield [
        Run("- ", REMOVED),
        Run(words, REMOVED),
        Run(f"  [{verdict.label.value}: {verdict.rule}; {verdict.why}]", NAME),
    ]


def _kept(segments: list[Segment], part: str) -> list[Run]:
    line = [Run("# " if part == "title" else "  ", HEAD)]
    rules: Counter[str] = Counter()
    for segment in segments:
        shown = [name for name in segment.rules if not name.startswith("layout.")]
        if not shown:
            line.append(Run(segment.after.replace("\n", ""), HEAD if part == "title" else KEPT))
            continue
        rules.update(shown)
        if segment.before == segment.after:  # a mask: what it was is not known any more
            line += (Run("["), Run(segment.after, AFTER), Run("]"))
            continue
        line += (Run("["), Run(segment.before, BEFORE), Run("→"), Run(segment.after, AFTER), Run("]"))
    if rules:
        line.append(Run("  {" + ", ".join(f"{name} {n}" for name, n in rules.most_common()) + "}", NAME))
    return line


def _summary(blocks: Sequence[LabelledBlock], edits: Sequence[Edit], flags: Sequence[Flag]) -> Iterator[list[Run]]:
    removed: Counter[str] = Counter()
    for labelled in blocks:
        if labelled.text is not None:
            removed[labelled.verdict.label.value] += len(labelled.text)
    changed = Counter(edit.rule for edit in edits if not edit.rule.startswith("layout."))
    for name, counted in (
        ("Removed characters", removed),
        ("Changes", changed),
        ("Flagged", Counter(f.rule for f in flags)),
    ):
        if counted:
            said = ", ".join(f"{what} {n}" for what, n in counted.most_common())
            yield [Run(f"{name}: ", HEAD), Run(said)]
