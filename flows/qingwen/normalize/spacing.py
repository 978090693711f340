"""Spacing: spaces beside full-width marks, at line ends, in runs, and between single spaced characters."""

from __future__ import annotations

import re
from functools import lru_cache

from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.rules.tables import punctuation_table
from qingwen.text import Edit, Span

_HAN = r"\u4e00-\u9fff"


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    table = punctuation_table()
    after, before = re.escape(table.none_after), re.escape(table.none_before)
    return (
        ("space.line-edge", re.compile(r"[ \t\n]*\n[ \t\n]*|\A[ \t\n]+|[ \t\n]+\Z"), "\n"),
        ("space.beside-mark", re.compile(f"(?<=[{after}]) +| +(?=[{before}])"), ""),
        ("space.run", re.compile(r" {2,}"), " "),
    )


# Three and more single characters, each spaced: 微 信 号. Two alone may be names or a headline.
_SPACED = re.compile(f"(?<![^\\s])[{_HAN}](?: [{_HAN}]){{2,}}(?![{_HAN}A-Za-z0-9])")


def fix_spacing(draft: Draft, context: Context) -> Proposal:
    """Propose the removal of spaces that no writer typed; the first rule that claims a space owns it."""
    edits: list[Edit] = []
    for part, text in draft.parts.items():
        claims = [(Span(at, at + 1), "", "space.spaced-out") for at in _spaced_out(text)]
        for rule, pattern, after in _rules():
            claims += ((Span(*found.span()), after, rule) for found in pattern.finditer(text))
        taken = bytearray(len(text))
        for span, after, rule in claims:
            at_end = rule == "space.line-edge" and (span.start == 0 or span.end == len(text))
            wanted = "" if at_end else after
            if span.of(text) != wanted and not any(taken[span.start : span.end]):
                taken[span.start : span.end] = b"\x01" * len(span)
                edits.append(Edit(part, span, span.of(text), wanted, rule))
    return Proposal(tuple(edits))


def _spaced_out(text: str) -> list[int]:
    return [found.start() + offset for found in _SPACED.finditer(text) for offset in range(1, len(found[0]), 2)]
