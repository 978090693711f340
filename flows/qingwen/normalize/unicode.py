"""Unicode: mojibake, entities, and invisible, private-use and compatibility characters, each by its own rule.

The text is never normalised to NFKC: ² ① ℃ ㎡ … stay.
"""

from qingwen.model import TITLE, Flag
from qingwen.normalize.passes import Context, Draft, Proposal, characters_of
from qingwen.rules.character_tables import entity_table, lookalike_table, unicode_table
from qingwen.text.mojibake import LEADS, runs, undone
from qingwen.text.spans import Edit, Span

DAMAGED = "\ufffd"


def undo_mojibake(draft: Draft, context: Context) -> Proposal:
    """Propose the right characters for runs of UTF-8 that was read in a wrong encoding, if they are certain."""
    edits = []
    for part, text in draft.parts.items():
        if part == TITLE and context.title is not None:
            continue  # the title is cut out of its block first; the next round looks at it
        for found in runs().finditer(text) if LEADS.search(text) else ():
            right = undone(found[0])
            if right is not None:
                edits.append(Edit(part, Span(*found.span()), found[0], right, "unicode.mojibake"))
    return Proposal(tuple(edits))


def undo_entities(draft: Draft, context: Context) -> Proposal:
    """Propose the characters for HTML entities that are left in the text."""
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
    lookalikes = lookalike_table()
    for part, text in draft.parts.items():
        characters = characters_of(text)
        if not lookalikes.values.keys().isdisjoint(characters):
            edits += (
                Edit(part, Span(at, at + 1), char, lookalikes.values[char], lookalikes.rule)
                for word in lookalikes.words.finditer(text)
                for at, char in enumerate(word[0], word.start())
                if char in lookalikes.values
            )
        for at in table.places(text, characters):
            rule, after = table.find(text[at])
            span = Span(at, at + 1)
            edits.append(Edit(part, span, text[at], after, rule))
            if rule in table.flagged:
                flags.append(Flag(part, rule, span, f"U+{ord(text[at]):04X}"))
        at = text.find(DAMAGED)
        while at >= 0:
            flags.append(Flag(part, "unicode.damaged", Span(at, at + 1), DAMAGED))
            at = text.find(DAMAGED, at + 1)
    return Proposal(tuple(edits), tuple(flags))
