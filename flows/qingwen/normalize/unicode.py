"""Unicode: invisible, private-use and compatibility characters, each by the rule that names it. Never NFKC."""

from __future__ import annotations

from qingwen.model import Flag
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.rules.tables import entity_table, unicode_table
from qingwen.text import Edit, Span

DAMAGED = "\ufffd"


def undo_entities(draft: Draft, context: Context) -> Proposal:
    """Propose the characters that entities left in the text stand for."""
    table = entity_table()
    return Proposal(
        tuple(
            Edit(part, Span(*found.span()), found[0], table.value(found), table.rule)
            for part, text in draft.parts.items()
            if "&" in text
            for found in table.trigger.finditer(text)
        )
    )


def fix_unicode(draft: Draft, context: Context) -> Proposal:
    """Propose the replacement of every unwanted character; flag lost glyphs and damaged bytes."""
    table = unicode_table()
    edits: list[Edit] = []
    flags: list[Flag] = []
    for part, text in draft.parts.items():
        for found in table.trigger.finditer(text):
            rule, after = table.find(found[0])
            span = Span(*found.span())
            edits.append(Edit(part, span, found[0], after, rule))
            if rule in table.flagged:
                flags.append(Flag(part, rule, span, f"U+{ord(found[0]):04X}"))
        at = text.find(DAMAGED)
        while at >= 0:
            flags.append(Flag(part, "unicode.damaged", Span(at, at + 1), DAMAGED))
            at = text.find(DAMAGED, at + 1)
    return Proposal(tuple(edits), tuple(flags))
