"""Swapped words: words that a content farm swapped to evade the advertising law are restored if the context proves it.

First come forms that are no words (class A); each restored one proves that words of the page are swapped. Then, in a
page with that proof, come forms that are words too (class B). Synonyms (class C) are only flagged.
"""

from collections.abc import Iterable, Iterator

from qingwen.model import BODY, Flag
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.rules.swapped_words import Clause, SwappedWord
from qingwen.text.spans import Edit, Span

# A form in a part, at a position, and the clause that decides about it, if any.
Occurrence = tuple[str, int, Clause | None]


def restore_swapped_nonwords(draft: Draft, context: Context) -> Proposal:
    """Propose class A: forms that are no words, except where their keep-lists spare them."""
    subs = [sub for sub in context.book.spun.rows if sub.kind == "A" and sub.acts_on(context.site)]
    found = {sub.id: list(_occurrences(draft, sub)) for sub in subs}
    spun = context.spun_site or any(map(_proves, found.values()))
    return _joined(_proposal(sub, found[sub.id], strict=True, loose=spun, proved=spun) for sub in subs)


def restore_swapped_words(draft: Draft, context: Context) -> Proposal:
    """Propose class B, and flag class C.

    A restored class A, or a site that is known for swapped words, is evidence. A strict clause restores with evidence,
    or if the original is nowhere in the body. Any other clause restores only with evidence (or beside a strict clause
    that restores), and only if the original is nowhere in the body: if it is, the farm did not swap throughout. What is
    not restored is flagged.
    """
    table = context.book.spun.rows
    nonwords = context.spun_site or draft.was_edited_by(sub.id for sub in table if sub.kind == "A")
    proposals = []
    for sub in table:
        if sub.kind == "A" or not sub.acts_on(context.site):
            continue
        found = list(_occurrences(draft, sub))
        untouched = sub.original in draft.parts[BODY]
        strict = nonwords or not untouched
        proved = nonwords or (_proves(found) and not untouched)
        proposals.append(_proposal(sub, found, strict=strict, loose=proved and not untouched, proved=proved))
    return _joined(proposals)


def _occurrences(draft: Draft, sub: SwappedWord) -> Iterator[Occurrence]:
    for part, text in draft.parts.items():
        for at, clause in sub.decisions(text):
            yield part, at, clause


def _proves(found: Iterable[Occurrence]) -> bool:
    return any(clause is not None and clause.strict and clause.action == "restore" for _, _, clause in found)


def _proposal(sub: SwappedWord, found: Iterable[Occurrence], *, strict: bool, loose: bool, proved: bool) -> Proposal:
    """Restore a form if its clause says so and its kind of clause may act; else flag it.

    In a page that is proved to have swapped words, a form that no clause covers is flagged too.
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
    """Join the proposals of all rows; if two rows claim the same characters, the first one wins."""
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
