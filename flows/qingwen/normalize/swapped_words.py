"""Spun words: what a farm swapped to dodge the advertising law goes back, where the context proves the swap.

First the forms that are no words (class A; each is evidence), then, in a page that is proved spun, the forms that are
words too (class B). Synonyms (class C) are only flagged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qingwen.model import BODY, Flag
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.rules.swapped_words import Clause, SwappedWord
from qingwen.text.spans import Edit, Span

Found = tuple[str, int, Clause | None]


def restore_nonwords(draft: Draft, context: Context) -> Proposal:
    """Propose class A: forms that are no words, but for their keep-lists."""
    subs = [sub for sub in context.book.spun.rows if sub.kind == "A" and sub.acts_on(context.site)]
    found = {sub.id: list(_decisions(draft, sub)) for sub in subs}
    spun = context.spun_site or any(map(_proves, found.values()))
    return _joined(_proposal(sub, found[sub.id], strict=True, loose=spun, proved=spun) for sub in subs)


def restore_words(draft: Draft, context: Context) -> Proposal:
    """Propose class B, and flag class C.

    A strict clause restores in a page with evidence: a restored class A, a spun site, or strict clauses alone where the
    original stands nowhere in the body. Any other clause restores only where there is evidence and the original stands
    nowhere: where it stands, the farm's table was not applied throughout. Without evidence the form is flagged.
    """
    table = context.book.spun.rows
    nonwords = context.spun_site or draft.restored(sub.id for sub in table if sub.kind == "A")
    proposals = []
    for sub in table:
        if sub.kind == "A" or not sub.acts_on(context.site):
            continue
        found = list(_decisions(draft, sub))
        untouched = sub.original in draft.parts[BODY]
        strict = nonwords or not untouched
        proved = nonwords or (_proves(found) and not untouched)
        proposals.append(_proposal(sub, found, strict=strict, loose=proved and not untouched, proved=proved))
    return _joined(proposals)


def _decisions(draft: Draft, sub: SwappedWord) -> Iterator[Found]:
    for part, text in draft.parts.items():
        for at, clause in sub.decisions(text):
            yield part, at, clause


def _proves(found: Iterable[Found]) -> bool:
    return any(clause is not None and clause.strict and clause.action == "restore" for _, _, clause in found)


def _proposal(sub: SwappedWord, found: Iterable[Found], *, strict: bool, loose: bool, proved: bool) -> Proposal:
    """Restore where a clause says so and its kind is allowed; flag what that leaves open.

    In a page that is proved spun a form that no clause knows is flagged too.
    """
    edits: list[Edit] = []
    flags: list[Flag] = []
    for part, at, clause in found:
        span = Span(at, at + len(sub.form))
        if clause is None:
            if proved:
                flags.append(Flag(part, sub.id, span, sub.form, sub.original, "no-clause", 0.0))
        elif clause.action == "restore" and (strict if clause.strict else loose):
            edits.append(Edit(part, span, sub.form, sub.original, sub.id))
        elif clause.action != "keep":
            flags.append(Flag(part, sub.id, span, sub.form, sub.original, clause.id, clause.score))
    return Proposal(tuple(edits), tuple(flags))


def _joined(proposals: Iterable[Proposal]) -> Proposal:
    """Join what rows propose; of two that claim the same characters the first row counts."""
    edits: list[Edit] = []
    flags: list[Flag] = []
    taken: set[tuple[str, int]] = set()
    for proposal in proposals:
        flags += proposal.flags
        for edit in proposal.edits:
            places = {(edit.part, at) for at in range(edit.span.start, edit.span.end)}
            if not places & taken:
                edits.append(edit)
                taken |= places
    return Proposal(tuple(edits), tuple(flags))
