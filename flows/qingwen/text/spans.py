"""Auditable change: spans and edits, applying and undoing them, and mapping positions through them.

A text is a ``str``; positions count code points; spans are half-open. A *pass* is a set of edits that do not overlap,
each in the positions of the text before the pass. Passes follow one another.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from qingwen.errors import EditError


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open run of code points (never bytes) in a named text; spans sort from left to right.

    >>> Span(0, 2).of("头条新闻"), len(Span(0, 2))
    ('头条', 2)

    Raises:
        EditError: not ``0 <= start <= end``.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise EditError(f"A span must satisfy 0 <= start <= end; got {self.start}..{self.end}.")

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        """Return the characters that the span covers."""
        return text[self.start : self.end]

    def shifted(self, by: int) -> Span:
        """Return the same span in a text that has ``by`` more characters before it."""
        return Span(self.start + by, self.end + by)


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in a part (``title`` or ``body``) as it was before its pass; ``step`` numbers the pass, from 0.

    ``before`` is the text under the span, so that an edit can be checked and undone. A removal has an empty ``after``,
    an insertion an empty ``before``. ``rule`` is the id of the rule that asked for the edit.

    >>> edit = Edit("body", Span(4, 5), "蕞", "最", "spun.zui")
    >>> apply("创历史之蕞。", [edit])
    '创历史之最。'
    """

    part: str
    span: Span
    before: str
    after: str
    rule: str
    step: int = 0


def passes_of(edits: Iterable[Edit]) -> list[list[Edit]]:
    """Return the edits pass by pass, the first pass first."""
    by_step: dict[int, list[Edit]] = {}
    for edit in edits:
        by_step.setdefault(edit.step, []).append(edit)
    return [by_step[step] for step in sorted(by_step)]


def ordered(edits: Iterable[Edit]) -> list[Edit]:
    """Return the edits of one pass from left to right; refuse any two that overlap.

    Insertions (empty spans) at one place keep their order and come before a replacement at that place.
    """
    found = sorted(edits, key=lambda edit: edit.span)
    for left, right in pairwise(found):
        if right.span.start < left.span.end:
            raise EditError(
                f"Edits overlap in {left.part}: {left.rule} at {left.span.start}..{left.span.end} and "
                f"{right.rule} at {right.span.start}..{right.span.end}. Let one rule own the characters."
            )
    return found


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return the text after one pass.

    >>> apply("蕞大,蕞好", [Edit("body", Span(2, 3), ",", "，", "punct.comma")])
    '蕞大，蕞好'

    Raises:
        EditError: two edits overlap, or one is stale (the text under its span is not its ``before``).
    """
    pieces: list[str] = []
    done = 0
    for edit in ordered(edits):
        start, end = edit.span.start, edit.span.end
        if end > len(text) or text[start:end] != edit.before:
            raise EditError(
                f"Edit {edit.rule} is stale: {edit.part} has {text[start:end]!r} at {start}..{end}, "
                f"the edit expects {edit.before!r}. Take edits against the text before their pass."
            )
        pieces += (text[done:start], edit.after)
        done = end
    pieces.append(text[done:])
    return "".join(pieces)


def invert(edits: Iterable[Edit]) -> list[Edit]:
    """Return the pass that undoes a pass: ``apply(apply(t, edits), invert(edits)) == t``.

    >>> e = [Edit("body", Span(0, 1), "a", "xyz", "r")]
    >>> apply(apply("ab", e), invert(e))
    'ab'
    """
    undone: list[Edit] = []
    shift = 0
    for edit in ordered(edits):
        start = edit.span.start + shift
        undone.append(replace(edit, span=Span(start, start + len(edit.after)), before=edit.after, after=edit.before))
        shift += len(edit.after) - len(edit.before)
    return undone


def undo(text: str, edits: Iterable[Edit]) -> str:
    """Undo all passes, the last first, and return the text as it was before the first.

    Raises:
        EditError: the text is not what the last pass wrote.
    """
    for one_pass in reversed(passes_of(edits)):
        text = apply(text, invert(one_pass))
    return text


class PositionMap:
    """Maps positions through one pass, forward and back.

    An untouched character maps to itself. A position inside a replaced span maps to the start of the replacement.
    """

    def __init__(self, edits: Iterable[Edit]) -> None:
        self._old: list[int] = []  # ends of replaced spans, before the pass
        self._new: list[int] = []  # ends of replacements, after the pass
        found = ordered(edits)
        self._old_starts = [edit.span.start for edit in found]
        shift = 0
        for edit in found:
            shift += len(edit.after) - len(edit.before)
            self._old.append(edit.span.end)
            self._new.append(edit.span.end + shift)
        self._new_starts = [new - len(edit.after) for new, edit in zip(self._new, found, strict=True)]

    def forward(self, position: int) -> int:
        """Return the position, after the pass, of a position before it."""
        return self._through(position, self._old, self._new, self._old_starts)

    def back(self, position: int) -> int:
        """Return the position, before the pass, of a position after it."""
        return self._through(position, self._new, self._old, self._new_starts)

    def _through(self, position: int, here: Sequence[int], there: Sequence[int], starts: Sequence[int]) -> int:
        index = bisect_right(here, position)
        if index < len(starts) and position > starts[index]:
            # Inside a replaced span: its first character on the other side.
            position = starts[index]
        if index == 0:
            return position
        return position - here[index - 1] + there[index - 1]


def trace_back(positions: Iterable[int], edits: Iterable[Edit]) -> list[int]:
    """Return the positions, before the first pass, of positions in the text after the last; all edits are of one part.

    >>> trace_back([1, 2], [Edit("body", Span(0, 2), "ab", "", "r", 0)])
    [3, 4]
    """
    # An edit that changes nothing (a mask) moves no position, not even inside its span.
    maps = [PositionMap(one_pass) for one_pass in passes_of(edit for edit in edits if edit.before != edit.after)]
    found = list(positions)
    for one_map in reversed(maps):
        found = list(map(one_map.back, found))
    return found


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the text before the first pass and after the last, with the rules that changed it, if any."""

    before: str
    after: str
    rules: tuple[str, ...] = ()


def align(text: str, edits: Iterable[Edit]) -> list[Segment]:
    """Return the text in stretches, each before and after all passes; joined, they give both texts.

    >>> align("a蕞,", [Edit("body", Span(1, 2), "蕞", "最", "r1", 0), Edit("body", Span(2, 3), ",", "，", "r2", 1)])[1:]
    [Segment(before='蕞', after='最', rules=('r1',)), Segment(before=',', after='，', rules=('r2',))]
    """
    segments = [Segment(text, text)]
    for one_pass in passes_of(edits):
        segments = _aligned(segments, ordered(one_pass))
    return [segment for segment in segments if segment.before or segment.after]


@dataclass(frozen=True, slots=True)
class _Atom:
    """A stretch with its place in the text before a pass; a stretch that an earlier pass changed is never cut."""

    start: int
    end: int
    segment: Segment


def _aligned(segments: list[Segment], edits: list[Edit]) -> list[Segment]:
    """Carry the stretches through one pass; an edit joins the stretches that it touches."""
    atoms = _atoms(segments, sorted({at for edit in edits for at in (edit.span.start, edit.span.end)}))
    done: list[Segment] = []
    waiting, i = list(reversed(edits)), 0
    while i < len(atoms) or waiting:
        here = atoms[i].start if i < len(atoms) else None
        if waiting and not len(waiting[-1].span) and (here is None or waiting[-1].span.start <= here):
            edit = waiting.pop()
            done.append(Segment("", edit.after, (edit.rule,)))
            continue
        group, used, i = [atoms[i]], [], i + 1
        while waiting and waiting[-1].span.start < group[-1].end:
            used.append(waiting.pop())
            while group[-1].end < used[-1].span.end:
                group.append(atoms[i])
                i += 1
        done.append(_joined(group, used) if used else group[0].segment)
    return done


def _atoms(segments: list[Segment], cuts: list[int]) -> list[_Atom]:
    atoms: list[_Atom] = []
    at = 0
    for segment in segments:
        end = at + len(segment.after)
        inner = [] if segment.rules else cuts[bisect_right(cuts, at) : bisect_left(cuts, end)]
        for left, right in pairwise([at, *inner, end]):
            same = segment.after[left - at : right - at]
            atoms.append(_Atom(left, right, segment if segment.rules else Segment(same, same)))
        at = end
    return atoms


def _joined(group: list[_Atom], edits: list[Edit]) -> Segment:
    start = group[0].start
    text = "".join(atom.segment.after for atom in group)
    local = [replace(edit, span=edit.span.shifted(-start)) for edit in edits]
    rules = [rule for atom in group for rule in atom.segment.rules] + [edit.rule for edit in edits]
    before = "".join(atom.segment.before for atom in group)
    return Segment(before, apply(text, local), tuple(dict.fromkeys(rules)))
