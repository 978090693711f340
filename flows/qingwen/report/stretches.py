"""The blocks of a page, each kept one with the stretches that its characters became."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence

from qingwen.clean import part_of
from qingwen.model import Judged
from qingwen.text import Edit, Segment, align, undo


def stretches(
    parts: Mapping[str, str], blocks: Sequence[Judged], edits: Sequence[Edit]
) -> Iterator[tuple[Judged, list[Segment]]]:
    """Yield each block with what its characters were and became; nothing for a block that is not kept.

    A change over the end of a block belongs to the block where it starts.
    """
    left = {part: _aligned(text, [edit for edit in edits if edit.part == part]) for part, text in parts.items()}
    over: Counter[str] = Counter()  # characters that blocks took beyond their ends, by part
    for judged in blocks:
        if judged.text is not None:
            yield judged, []
            continue
        part = part_of(judged)
        size = len(judged.block.span) - over[part]
        taken = _take(left[part], size)
        over[part] = sum(len(segment.before) for segment in taken) - size
        yield judged, taken


def _aligned(text: str, edits: list[Edit]) -> deque[Segment]:
    return deque(align(undo(text, edits), edits))


def _take(left: deque[Segment], size: int) -> list[Segment]:
    """Take the stretches of the next ``size`` characters of the page's text."""
    taken: list[Segment] = []
    while left and size > 0:
        first = left.popleft()
        if not first.rules and len(first.before) > size:
            left.appendleft(Segment(first.before[size:], first.after[size:]))
            first = Segment(first.before[:size], first.after[:size])
        taken.append(first)
        size -= len(first.before)
    return taken
