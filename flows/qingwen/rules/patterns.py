"""Patterns in RE2's syntax, searched in the lines of pages.

RE2 never backtracks, so a search takes linear time in any line, whatever the pattern. It has no look-arounds and no
back-references: a row bounds its line with ``max_chars`` and asks further questions about it with ``also``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

import re2

from qingwen.text.match_view import View
from qingwen.text.spans import Span

# The most instructions of a program, and so the most work that a character can take. Shipped patterns have up to 4,000.
MOST_INSTRUCTIONS = 10_000
# Short lines recur on a site's pages (its menus): the hits of so many are remembered.
_SHORT_LINE, _MOST_REMEMBERED = 40, 50_000
# Escapes, and those among them that mean ASCII letters alone to RE2, and letters of any script to Python's `re`.
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ASCII_ONLY = "wWbB"
_NO_LOOKAROUNDS = (
    ". RE2 has no look-arounds: write max_chars or also in a [[rule]], left, left_not, right or right_not elsewhere, "
    "or match what may be there, as in (?:[^0-9]|$)"
)
# What to write in the place of Python's syntax, by what RE2's error says.
_HINTS = {
    "(?=": _NO_LOOKAROUNDS,
    "(?!": _NO_LOOKAROUNDS,
    "(?<": _NO_LOOKAROUNDS,
    "(?": ". RE2 knows the flags i, m, s and U, no atomic groups and no back-references",
    "\\u": ". Write the character itself, or \\x{4e00} for \\u4e00",
    "\\Z": ". Write \\z",
}
# The parts of a pattern that are no repeat without an end, and in the group one that is.
_ENDLESS = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\]){0,2000}\]|\{[0-9]{0,9},?[0-9]{1,9}\}[+?]?|\?[+?]?|([*+]|\{[0-9]{0,9},\})", re.DOTALL
)

# Number, start and end of each pattern that matches in a line.
LineHits = tuple[tuple[int, int, int], ...]


class PatternError(ValueError):
    """A pattern that RE2 does not take, and what RE2 says of it."""


def compile_re2(pattern: str) -> Any:
    """Return a pattern compiled by RE2, which searches in UTF-8.

    >>> compile_re2("[0-9]+元").search("共12元".encode()).span()
    (3, 8)

    Raises:
        PatternError: RE2 does not take it.
    """
    ascii_only = [char for char in _ESCAPED.findall(pattern) if char in _ASCII_ONLY]
    if ascii_only:
        raise PatternError(f"\\{ascii_only[0]} knows ASCII letters alone; write a class such as [\\pL\\pN_]")
    try:
        program = re2.compile(pattern.encode(), re2_options())
    except re2.error as fault:
        reason = fault.args[0].decode()
        hint = next((hint for sign, hint in _HINTS.items() if sign in reason), "")
        raise PatternError(reason + hint) from fault
    if program.programsize > MOST_INSTRUCTIONS:
        raise PatternError(f"its repeats make a program of {program.programsize:,} steps; bound them closer")
    return program


def re2_options() -> Any:
    """Return the options of every pattern."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    return options


def repeats_without_end(pattern: str) -> bool:
    """Tell whether a pattern holds ``*``, ``+`` or ``{n,}``.

    >>> repeats_without_end("a+"), repeats_without_end("[*+]{1,9}[+]")
    (True, False)
    """
    return any(found[1] for found in _ENDLESS.finditer(pattern))


class LinePattern:
    """A row's pattern, its greatest line, and what the line must match as well.

    >>> LinePattern("^.*电话[:：]?[0-9]+", max_chars=20, also=["咨询"]).search("咨询电话：4000123")
    (0, 12)
    """

    def __init__(self, pattern: str, max_chars: int | None = None, also: Sequence[str] = ()) -> None:
        """Compile a pattern.

        Raises:
            PatternError: RE2 does not take it, or one of ``also``.
        """
        self.pattern, self.max_chars, self.also = pattern, max_chars, tuple(also)
        self._program = compile_re2(pattern)
        self._also = [compile_re2(other) for other in also]

    def __reduce__(self) -> tuple[type[LinePattern], tuple[str, int | None, tuple[str, ...]]]:
        return LinePattern, (self.pattern, self.max_chars, self.also)

    def search(self, line: str) -> tuple[int, int] | None:
        """Return the start and the end of the first match in a line, or None."""
        return self.search_encoded(line, line.encode("utf-8", "replace"))

    def search_encoded(self, line: str, octets: bytes) -> tuple[int, int] | None:
        """Do what `search` does, of a line and its UTF-8."""
        if self.max_chars is not None and len(line) > self.max_chars:
            return None
        if self._also and not all(other.search(octets) for other in self._also):
            return None
        match = self._program.search(octets)
        if not match:
            return None
        start, end = match.span()
        before = len(octets[:start].decode())
        return before, before + len(octets[start:end].decode())

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the start and the end of each match in a text of many lines, from left to right."""
        plain = text.encode("utf-8", "replace").decode()
        yield from (match.span() for match in self._in_text.finditer(plain))

    @cached_property
    def _in_text(self) -> Any:
        return re2.compile(f"(?m:{self.pattern})", re2_options())


class Scanner:
    """Patterns, searched in the lines of a page all at once.

    RE2's filter finds, in one pass over a line, the words without which a pattern cannot match, and tries those alone.
    The matches are those of searching every pattern in every line; a test holds the two equal.
    """

    def __init__(self, patterns: Sequence[LinePattern]) -> None:
        self._patterns = patterns
        self._remembered: dict[str, LineHits] = {}
        self._filter: Any = re2.Filter()
        for pattern in patterns:
            # A pattern that takes nothing is in every line; its last question is in few.
            sought = pattern.also[-1] if pattern.pattern == "^" and pattern.also else pattern.pattern
            self._filter.Add(sought, re2_options())
        self._filter.Compile()

    def find(self, seen: View, bounds: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, Span]]:
        """Yield (number of the pattern, of the line, span in the line) of each pattern's first match in each line.

        ``seen`` is a view of lines joined by newlines; ``bounds`` are where the raw lines start and end.
        """
        offset = 0
        for number, line in enumerate(seen.text.split("\n")):
            for pattern, start, end in self._hits(line):
                first, last = bounds[number]
                # An empty match speaks of the whole line.
                span = seen.back(offset + start, offset + end) if start < end else Span(first, last)
                yield pattern, number, span.shifted(-first)
            offset += len(line) + 1

    def _hits(self, line: str) -> LineHits:
        if len(line) > _SHORT_LINE:
            return self._search(line)
        hits = self._remembered.get(line)
        if hits is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            hits = self._remembered[line] = self._search(line)
        return hits

    def _search(self, line: str) -> LineHits:
        octets = line.encode("utf-8", "replace")
        hits = ((n, self._patterns[n].search_encoded(line, octets)) for n in sorted(self._filter.Match(octets) or ()))
        return tuple((n, *span) for n, span in hits if span is not None)


def line_bounds(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Return where lines start and end once they are joined by newlines."""
    ends = [end - 1 for end in accumulate(len(line) + 1 for line in lines)]
    return [(end - len(line), end) for line, end in zip(lines, ends, strict=True)]
