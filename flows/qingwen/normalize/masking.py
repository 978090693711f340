"""Personal data is masked before anything else is made of a page, so that nothing that is stored holds it.

The page's text is masked character for character, so that every span stays where it is. Each mask in a part is an edit
of a first pass; its ``before`` stands masked as well: undone, all passes give the page's text up to the masks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from qingwen.config import Config
from qingwen.model import Segmented
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.rules.personal_data import MASKED, PersonalDataTable, bared, joined, overwrite
from qingwen.rules.personal_data import PersonalDataMatch as Found
from qingwen.text.spans import Edit, Span, trace_back
from qingwen.text.spans import Mapping as PositionMap

Hits = Mapping[str, Sequence[Found]]
Normalized = Callable[[Mapping[str, str], tuple[Edit, ...]], Draft]


def hide(segmented: Segmented, config: Config, table: PersonalDataTable) -> tuple[Segmented, tuple[Found, ...]]:
    """Return a page with personal data masked in its text, its paths and what its markup states; and the text's data.

    Where masking is off, the page is as it was.
    """
    if not config.mask_personal_data:
        return segmented, ()
    found = table.find(segmented.text)
    paths = list(dict.fromkeys(block.path for block in segmented.blocks))
    hidden = dict(zip(paths, _hide_lines(paths, table), strict=True))
    stated = _hide_lines(list(segmented.meta.values()), table)
    return Segmented(
        overwrite(segmented.text, (hit.span for hit in found)),
        tuple(
            block if hidden[block.path] == block.path else replace(block, path=hidden[block.path])
            for block in segmented.blocks
        ),
        dict(zip(segmented.meta, stated, strict=True)),
    ), found


def _hide_lines(lines: Sequence[str], table: PersonalDataTable) -> list[str]:
    text = "\n".join(lines)
    text = overwrite(text, (hit.span for hit in table.find(text)))
    at, hidden = 0, []
    for line in lines:
        hidden.append(text[at : at + len(line)])
        at += len(line) + 1
    return hidden


def mask(draft: Draft, context: Context) -> Proposal:
    """Propose the masks, in parts that are masked already."""
    return Proposal(context.masks)


def settle(parts: Mapping[str, str], hits: Hits, table: PersonalDataTable, normalized: Normalized) -> Draft:
    """Return the draft of masked parts; what is personal data only in the draft is masked too, and all is done again.

    A number may be written in a way that the passes undo, and that the table does not see through. ``hits`` are what
    was masked, by part; ``normalized`` gives the draft of parts with the edits of their masks.
    """
    while True:
        draft = normalized(parts, tuple(_edits(parts, hits)))
        new = {part: [hit for hit in _emerged(draft, part, table) if _is_bare(hit, parts[part])] for part in parts}
        if not any(new.values()):
            return draft
        hits = {part: joined([*hits.get(part, ()), *some]) for part, some in new.items()}
        parts = {part: overwrite(text, (hit.span for hit in hits[part])) for part, text in parts.items()}


def _edits(parts: Mapping[str, str], hits: Hits) -> Iterator[Edit]:
    for part, some in hits.items():
        for hit in some:
            masked = hit.span.of(parts[part])
            yield Edit(part, hit.span, masked, masked, hit.rule)


def _emerged(draft: Draft, part: str, table: PersonalDataTable) -> Iterator[Found]:
    """Yield the personal data of a draft's part, where it stood before the first pass."""
    found = table.find(draft.parts[part])
    if found:
        passes = _passes(draft, part)
        for hit in found:
            start, last, end = (trace_back(at, passes) for at in (hit.span.start, hit.span.end - 1, hit.span.end))
            yield Found(Span(start, max(last + 1, end)), hit.rule)


def masked_of(draft: Draft, part: str, unmasked: str) -> str:
    """Return the characters that masks stand for in a finished part, which was ``unmasked`` before all passes."""
    text = draft.parts[part]
    if MASKED not in text:
        return ""
    passes, bare = _passes(draft, part), bared(unmasked)
    return "".join(bare[trace_back(at, passes)] for at, char in enumerate(text) if char == MASKED)


def _passes(draft: Draft, part: str) -> list[PositionMap]:
    """Return where positions of a part went, pass by pass; masks move none."""
    edits = sorted(
        (edit for edit in draft.edits if edit.part == part and edit.before != edit.after), key=lambda edit: edit.step
    )
    return [PositionMap(some) for _, some in groupby(edits, key=lambda edit: edit.step)]


def _is_bare(hit: Found, text: str) -> bool:
    """Tell whether something of what was found is not masked yet."""
    return overwrite(text, [hit.span]) != text
