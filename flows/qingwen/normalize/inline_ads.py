"""Advertising inside a kept paragraph: only the text that a rule matches is removed, as an edit."""

from qingwen.model import BODY
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.text.match_view import view
from qingwen.text.spans import Edit, Span


def cut_inline(draft: Draft, context: Context) -> Proposal:
    """Propose to remove what rules with ``cut = "match"`` hit in the body; the first of overlapping hits counts."""
    rules = [rule for rule in context.book.rules if rule.cut == "match"]
    text = draft.parts[BODY]
    found: list[tuple[Span, str]] = []
    for kind in {rule.view for rule in rules}:
        seen = view(text, kind)
        for rule in rules:
            if rule.view == kind:
                found += ((seen.back(start, end), rule.id) for start, end in rule.lines.spans(seen.text))
    edits: list[Edit] = []
    for span, rule_id in sorted(found, key=lambda hit: (hit[0].start, -hit[0].end)):
        if not edits or span.start >= edits[-1].span.end:
            edits.append(Edit(BODY, span, span.of(text), "", rule_id))
    return Proposal(tuple(edits))
