"""Spun words: what a farm swapped to dodge the advertising law goes back, where the context proves the swap.

First the forms that are no words (they are evidence), then, in a page that is proved spun, the forms that are words
too.
"""

from __future__ import annotations

from collections.abc import Iterator

from qingwen.model import BODY, Flag
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.rules.spun import Clause, Substitution
from qingwen.text import Edit, Span


def restore_nonwords(draft: Draft, context: Context) -> Proposal:
    """Propose class A: forms that are no words, but for their keep-lists."""
    return _proposal(draft, [sub for sub in context.book.spun.subs if not sub.needs_evidence], allowed=True)


def restore_words(draft: Draft, context: Context) -> Proposal:
    """Propose class B: forms that are words too. Without evidence that the page is spun they are flagged."""
    subs = [sub for sub in context.book.spun.subs if sub.needs_evidence]
    proved = draft.restored(sub.id for sub in context.book.spun.subs if sub.self_evidence)
    edits: tuple[Edit, ...] = ()
    flags: tuple[Flag, ...] = ()
    for sub in subs:
        # Where the original still stands, the farm's table was not applied.
        untouched = sub.original in draft.parts[BODY]
        evident = proved or any(clause.self_evident for _, _, clause in _decisions(draft, sub))
        found = _proposal(draft, [sub], allowed=evident and not untouched)
        edits, flags = edits + found.edits, flags + found.flags
    return Proposal(edits, flags)


def _decisions(draft: Draft, sub: Substitution) -> Iterator[tuple[str, int, Clause]]:
    for part, text in draft.parts.items():
        for at, clause in sub.decisions(text):
            yield part, at, clause


def _proposal(draft: Draft, subs: list[Substitution], allowed: bool) -> Proposal:
    edits: list[Edit] = []
    flags: list[Flag] = []
    for sub in subs:
        for part, at, clause in _decisions(draft, sub):
            span = Span(at, at + len(sub.form))
            if clause.action == "restore" and allowed:
                edits.append(Edit(part, span, sub.form, sub.original, sub.id))
            elif clause.action != "keep":
                flags.append(Flag(part, sub.id, span, sub.form, sub.original, clause.id, clause.score))
    return Proposal(tuple(edits), tuple(flags))
