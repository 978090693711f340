"""The algebra of auditable change: spans, edits, applying and undoing them, and where a position went.

A text is a ``str``; positions count code points; spans are half-open. A *pass* is a set of edits that do not overlap,
each given in the positions of the text as it stood before the pass. Passes follow one another.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from qingwen.errors import EditError


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open run of code points in a named text.

    >>> Span(1, 3).of("abcd")
    'bc'
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
    """One replacement in a part (title or body) as it stood before its pass; ``step`` numbers the pass.

    ``before`` is what the span covered, so that an edit can be checked and undone; ``rule`` names who asked for it.
    """

    part: str
    span: Span
    before: str
    after: str
    rule: str
    step: int = 0


def ordered(edits: Iterable[Edit]) -> list[Edit]:
    """Return the edits of one pass from left to right; refuse any two that overlap.

    Insertions (empty spans) at one place keep the order in which they are given, and stand before what is replaced
    there.
    """
    found = sorted(edits, key=lambda edit: edit.span)
    for left, right in itertools.pairwise(found):
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
                f"the edit expects {edit.before!r}. Take edits against the text as it stands before their pass."
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
    """Take back all passes, the last first, and return the text as it was before the first.

    Raises:
        EditError: the text is not what the last pass wrote.
    """
    by_step: dict[int, list[Edit]] = {}
    for edit in edits:
        by_step.setdefault(edit.step, []).append(edit)
    for step in sorted(by_step, reverse=True):
        text = apply(text, invert(by_step[step]))
    return text


class Mapping:
    """Where positions go through one pass, and where they came from.

    An untouched character maps to itself. A position inside a replaced span maps to the start of the replacement.
    """

    def __init__(self, edits: Iterable[Edit]) -> None:
        self._old: list[int] = []  # ends of replaced spans, before the pass
        self._new: list[int] = []  # ends of replacements, after the pass
        self._edits = ordered(edits)
        shift = 0
        for edit in self._edits:
            shift += len(edit.after) - len(edit.before)
            self._old.append(edit.span.end)
            self._new.append(edit.span.end + shift)

    def forward(self, position: int) -> int:
        """Return where a position of the text before the pass stands after it."""
        return self._through(position, self._old, self._new, [edit.span.start for edit in self._edits])

    def back(self, position: int) -> int:
        """Return where a position of the text after the pass stood before it."""
        starts = [new - len(edit.after) for new, edit in zip(self._new, self._edits, strict=True)]
        return self._through(position, self._new, self._old, starts)

    def _through(self, position: int, here: Sequence[int], there: Sequence[int], starts: Sequence[int]) -> int:
        index = bisect_right(here, position)
        if index < len(starts) and position > starts[index]:
            # Inside a replaced span: its first character on the other side.
            position = starts[index]
        if index == 0:
            return position
        return position - here[index - 1] + there[index - 1]


def trace_back(position: int, passes: Sequence[Iterable[Edit]]) -> int:
    """Return the position, before the first pass, of a position in the text after the last.

    >>> first = [Edit("body", Span(0, 2), "ab", "", "r", 0)]
    >>> trace_back(1, [first])
    3
    """
    for edits in reversed(passes):
        position = Mapping(edits).back(position)
    return position


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch before the first pass, what it is after the last, and the rules that changed it (none: untouched)."""

    before: str
    after: str
    rules: tuple[str, ...] = ()


def align(text: str, edits: Iterable[Edit]) -> list[Segment]:
    """Return the text as stretches, each with what all passes made of it; joined they give both texts.

    >>> align("a蕞,", [Edit("body", Span(1, 2), "蕞", "最", "r1", 0), Edit("body", Span(2, 3), ",", "，", "r2", 1)])[1:]
    [Segment(before='蕞', after='最', rules=('r1',)), Segment(before=',', after='，', rules=('r2',))]
    """
    segments = [Segment(text, text)]
    by_step: dict[int, list[Edit]] = {}
    for edit in edits:
        by_step.setdefault(edit.step, []).append(edit)
    for step in sorted(by_step):
        segments = _aligned(segments, ordered(by_step[step]))
    return [segment for segment in segments if segment.before or segment.after]


def _aligned(segments: list[Segment], edits: list[Edit]) -> list[Segment]:
    """Carry the stretches through one pass: an edit joins the stretches that it touches."""
    done: list[Segment] = []
    waiting = list(reversed(segments))
    at = 0  # position, in the text before this pass, where the next waiting stretch starts
    for edit in edits:
        while waiting and at + len(waiting[-1].after) <= edit.span.start:
            at += len(waiting[-1].after)
            done.append(waiting.pop())
        if waiting and at < edit.span.start and not waiting[-1].rules:
            left, right = _split(waiting.pop(), edit.span.start - at)
            done.append(left)
            waiting.append(right)
            at = edit.span.start
        before, prefix, suffix = "", "", ""
        rules: tuple[str, ...] = ()
        while waiting and at < edit.span.end:
            piece = waiting.pop()
            if at + len(piece.after) > edit.span.end and not piece.rules:
                piece, rest = _split(piece, edit.span.end - at)
                waiting.append(rest)
            # A stretch that was replaced before is not cut in two: what the edit leaves of it stays with it.
            prefix += piece.after[: max(0, edit.span.start - at)]
            suffix = piece.after[max(0, edit.span.end - at) :] if at + len(piece.after) > edit.span.end else ""
            before, rules = before + piece.before, rules + piece.rules
            at += len(piece.after)
        done.append(Segment(before, prefix + edit.after + suffix, (*rules, edit.rule)))
    return done + waiting[::-1]


def _split(segment: Segment, at: int) -> tuple[Segment, Segment]:
    return Segment(segment.before[:at], segment.after[:at]), Segment(segment.before[at:], segment.after[at:])
