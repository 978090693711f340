"""Mask personal data if the configuration asks for it: `hide` before labelling, `run_masked` around the passes.

The page's text is masked character for character, so that every span stays valid, and all that is stored comes from the
masked text. Each mask in a part is an edit of a first pass. Its ``before`` is masked too: undoing all passes gives back
the page's text up to the masks.
"""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from qingwen.config import Config
from qingwen.model import BODY, Document, Segmented
from qingwen.normalize.passes import Context, Draft, Pass, Proposal, run
from qingwen.rules.personal_data import MASKED, PersonalDataMatch, PersonalDataTable, bared, joined, overwrite
from qingwen.text.spans import Edit, Span, trace_back

# A path names elements by ids and classes, which may be made of a number: in a path no word says whose it is.
_LONG_NUMBER = re.compile(r"\d(?:[._:-]?\d){6,99}")

Hits = Mapping[str, Sequence[PersonalDataMatch]]


@dataclass(frozen=True, slots=True)
class Hidden:
    """What `hide` masked: the page's text before it, and the personal data in that text."""

    text: str
    found: tuple[PersonalDataMatch, ...]


def hide(segmented: Segmented, config: Config, table: PersonalDataTable) -> tuple[Segmented, Hidden | None]:
    """Return a page with personal data masked in its text, its paths and its markup's statements, and what was masked.

    Of paths every number of seven digits and more is masked.
    If masking is off, the page is returned as it is, with None.
    """
    if not config.mask_personal_data:
        return segmented, None
    paths = list(dict.fromkeys(block.path for block in segmented.blocks))
    masked_paths = {
        path: _LONG_NUMBER.sub(lambda found: MASKED * len(found[0]), hidden)
        for path, hidden in zip(paths, _hide_lines(paths, table), strict=True)
    }
    meta = dict(zip(segmented.meta, _hide_lines(list(segmented.meta.values()), table), strict=True))
    blocks = tuple(replace(block, path=masked_paths[block.path]) for block in segmented.blocks)
    found = table.find(segmented.text)
    text = overwrite(segmented.text, (hit.span for hit in found))
    return Segmented(text, blocks, meta), Hidden(segmented.text, found)


def _hide_lines(lines: Sequence[str], table: PersonalDataTable) -> list[str]:
    text = "\n".join(lines)
    text = overwrite(text, (hit.span for hit in table.find(text)))
    at, hidden = 0, []
    for line in lines:
        hidden.append(text[at : at + len(line)])
        at += len(line) + 1
    return hidden


def run_masked(document: Document, passes: Sequence[Pass], context: Context, hidden: Hidden | None) -> Draft:
    """Run the passes over masked parts until their result holds no personal data; if masking is off, run them once.

    A number may be written in a way that the table does not see through and that the passes undo. Such data is masked
    where it came from, and the passes run again.
    """
    table = context.book.personal
    parts, hits = document.parts, _hits_in_parts(document, hidden.found if hidden else ())
    while True:
        draft = run(parts, (_masking(hits), *passes) if any(hits.values()) else passes, context)
        if not context.config.mask_personal_data:
            return draft
        new = {part: _emerged(draft, part, text, table) for part, text in parts.items()}
        if not any(new.values()):
            break
        hits = {part: joined([*hits[part], *some]) for part, some in new.items()}
        parts = {part: overwrite(text, (hit.span for hit in hits[part])) for part, text in parts.items()}
    return replace(draft, masked=_masked_characters(draft, document, hidden))


def _hits_in_parts(document: Document, found: Sequence[PersonalDataMatch]) -> Hits:
    """Return the personal data in kept blocks, by part and in its positions; no data crosses the end of a block."""
    hits: dict[str, list[PersonalDataMatch]] = {part: [] for part in document.parts}
    sizes = dict.fromkeys(document.parts, 0)
    left = deque(found)
    for judged in document.blocks:
        span, part = judged.block.span, judged.part
        while left and left[0].span.start < span.end:
            hit = left.popleft()
            if judged.text is None:
                hits[part].append(replace(hit, span=hit.span.shifted(sizes[part] - span.start)))
        sizes[part] += len(span) if judged.text is None else 0
    return hits


def _masking(hits: Hits) -> Pass:
    """Return the pass that proposes the masks once, before all other edits; the parts are masked already."""

    def mask(draft: Draft, context: Context) -> Proposal:
        if draft.edits:
            return Proposal()
        found = ((part, hit, hit.span.of(draft.parts[part])) for part, some in hits.items() for hit in some)
        return Proposal(tuple(Edit(part, hit.span, masked, masked, hit.rule) for part, hit, masked in found))

    return mask


def _emerged(draft: Draft, part: str, before: str, table: PersonalDataTable) -> list[PersonalDataMatch]:
    """Return the personal data in a part of a draft that the part ``before`` all passes shows, as spans of that."""
    found = table.find(draft.parts[part])
    edits = [edit for edit in draft.edits if edit.part == part] if found else []
    ends = trace_back((at for hit in found for at in (hit.span.start, hit.span.end - 1, hit.span.end)), edits)
    hits = [
        PersonalDataMatch(Span(start, max(last + 1, end)), hit.rule)
        for hit, start, last, end in zip(found, ends[::3], ends[1::3], ends[2::3], strict=True)
    ]
    return [hit for hit in hits if overwrite(before, [hit.span]) != before]


def _masked_characters(draft: Draft, document: Document, hidden: Hidden | None) -> str:
    """Return the characters behind the masks in the finished body."""
    masked = [at for at, char in enumerate(draft.parts[BODY]) if char == MASKED]
    if not masked or hidden is None:
        return ""
    kept = (judged.block.span for judged in document.blocks if judged.text is None and judged.part == BODY)
    bare = bared("".join(span.of(hidden.text) for span in kept))
    return "".join(bare[at] for at in trace_back(masked, (edit for edit in draft.edits if edit.part == BODY)))
