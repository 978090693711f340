"""One row of a table of lines: what it removes, where, and the cases that hold it."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from qingwen.model import Label
from qingwen.rules.patterns import LinePattern, PatternError, repeats_without_end
from qingwen.rules.row_checks import LARGEST, Cases, Row, Text, Texts
from qingwen.text.match_view import CONTACT, FOLDED, RAW

VIEWS = (RAW, FOLDED, CONTACT)
_LABELS = tuple(label.value for label in Label if label not in (Label.TITLE, Label.BODY))


def _label(value: Any) -> Label:
    if value not in _LABELS:
        raise ValueError(f"unknown label {value!r}. It must be one of {', '.join(_LABELS)}")
    return Label(value)


class Rule(Row):
    """One row of a rule table: what it removes, where, and the cases that hold it.

    ``pattern`` is searched in a line of at most ``max_chars`` characters that matches all of ``also`` too. ``^`` alone
    takes nothing: it speaks of the whole line.
    ``cut`` is ``block`` (the whole block goes) or ``match`` (only what matched, inside a kept block).
    ``opens_tail``: what follows such a block is no article any more (相关文章).
    ``spares`` are news lines that no removing rule may hit; ``not_this`` are lines that this rule must miss.
    """

    label: Annotated[Label, BeforeValidator(_label)]
    scope: Literal["head", "article", "tail", "any"]
    pattern: Text
    matches: Cases
    max_chars: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    also: Texts = ()
    view: Literal["raw", "folded", "contact"] = "raw"
    cut: Literal["block", "match"] = "block"
    spares: Texts = ()
    not_this: Texts = ()
    opens_tail: bool = False

    @cached_property
    def lines(self) -> LinePattern:
        """Return the pattern, compiled for lines."""
        return LinePattern(self.pattern, self.max_chars, self.also)

    @model_validator(mode="after")
    def _compiles(self) -> Rule:
        try:
            empty = self.lines.search("")
        except PatternError as fault:
            raise ValueError(f"RE2 does not take the pattern: {fault}") from fault
        if empty is not None:
            raise ValueError("the pattern matches the empty line, and so everything")
        if self.cut == "match" and (self.max_chars is not None or self.also):
            raise ValueError('cut = "match" takes no max_chars and no also, as it is searched in a whole text')
        if self.cut == "match" and repeats_without_end(self.pattern):
            raise ValueError('cut = "match" repeats nothing without an end; write {0,40} for *')
        return self
