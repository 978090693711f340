"""A text as personal data is looked for in it: with what hides a number undone, whatever its digits look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape

from qingwen.text.match_view import DIGITS, FOLDED, View, contact_tables, view
from qingwen.text.spans import Span

# Entities hide digits and signs; so do digits of other scripts and styles, and signs without a width, of which the
# folded view does not know.
_HIDING = re.compile(
    r"&(?:amp;){0,3}(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});|[\u180e\u20e3\ufe00-\ufe0f]|[^\D0-9\uff10-\uff19]"
)
# The views leave it out.
_NOTHING = "\u200b"


@dataclass(frozen=True, slots=True)
class Form:
    """A view of a text in which what hides is undone; ``plain`` is as long as the text."""

    seen: View
    plain: str

    @property
    def text(self) -> str:
        """Return what is searched."""
        return self.seen.text

    def back(self, start: int, end: int) -> Span:
        """Return the raw span of a span of the form, with all of an entity at its end."""
        span = self.seen.back(start, end)
        end = span.end
        while self.plain.startswith(_NOTHING, end):
            end += 1
        return Span(span.start, end)


def forms_of(text: str) -> Iterator[Form]:
    """Yield a text folded and, where other forms of digits stand together, with those read too.

    >>> [form.text for form in forms_of("１&#51;⑧")]
    ['13⑧', '138']
    """
    plain = bared(text)
    folded = Form(view(plain, FOLDED), plain)
    yield folded
    if _other_digits().search(folded.text):
        yield Form(view(plain, DIGITS), plain)


def bared(text: str) -> str:
    """Return a text, as long as it was, in which what hides is undone; U+200B stands for the rest of an entity."""
    return _HIDING.sub(_undone, text)


def _undone(found: re.Match[str]) -> str:
    """Return what an entity stands for, in as many characters: behind it the views leave out the rest."""
    hiding = found[0]
    if hiding.isdecimal():
        return str(int(hiding))
    value = unescape(re.sub("&(?:amp;)+", "&", hiding)) if hiding[0] == "&" else ""
    if len(value) > 1:
        return hiding
    return (" " if value.isspace() else value).ljust(len(hiding), _NOTHING)


@lru_cache(maxsize=1)
def _other_digits() -> re.Pattern[str]:
    forms = "".join(map(chr, contact_tables().digits))
    return re.compile(rf"[{forms}][ .-]?[{forms}\d]|(?<=\d)[{forms}]")
