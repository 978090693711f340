"""Script: a Traditional article becomes Simplified, with exactly the result of OpenCC's t2s."""

from __future__ import annotations

import re

from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.text import Edit, Span
from qingwen.views import converter, traditional_only

_HAN = re.compile(r"[\u4e00-\u9fff]")


def traditional_ratio(text: str) -> float:
    """Return the share of Traditional-only characters among the Han characters of a text (0 to 1).

    >>> traditional_ratio("國家發展") > 0.4, traditional_ratio("乾隆著名")
    (True, 0.0)
    """
    table = traditional_only()
    han = len(_HAN.findall(text))
    return sum(char in table for char in text) / han if han else 0.0


def simplify(draft: Draft, context: Context) -> Proposal:
    """Propose the conversion of a Traditional article, one edit for each stretch that OpenCC changes."""
    if not context.traditional:
        return Proposal()
    convert = converter("t2s")
    return Proposal(
        tuple(
            Edit(part, Span(start, end), text[start:end], after, "script.t2s")
            for part, text in draft.parts.items()
            for start, end, after in convert.changes(text)
        )
    )
