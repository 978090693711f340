"""All rules over all lines of a page: those that match in a line are found at once, and only they say where.

Each view is made once a page. RE2's filter finds, in one pass over a line and in linear time, the words without which a
rule cannot match, and tries those rules alone. What is found is what searching every rule in every line finds; a test
holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Protocol

import re2

from qingwen.rules.patterns import LinePattern, first_of, options
from qingwen.text.match_view import View
from qingwen.text.spans import Span

# Lines up to this length are remembered, so many of them.
_SHORT, _MOST_KNOWN = 40, 50_000

Found = tuple[tuple[int, int, int], ...]


class Searched(Protocol):
    """What the scanner needs of a rule."""

    @property
    def pattern(self) -> LinePattern:
        """Return the rule's pattern."""


class Scanner:
    """Rules of one view, ready to be searched in the lines of pages."""

    def __init__(self, rules: Sequence[Searched]) -> None:
        # The short lines of a site's pages are the same again and again: its menus.
        self._known: dict[str, Found] = {}
        self._alternatives = [
            (number, alternative) for number, rule in enumerate(rules) for alternative in rule.pattern.alternatives
        ]
        self._filter: Any = re2.Filter()
        for _, alternative in self._alternatives:
            self._filter.Add(alternative.filter, options())
        self._filter.Compile()

    def find(self, seen: View, starts: Sequence[int], ends: Sequence[int]) -> Iterator[tuple[int, int, Span]]:
        """Yield (number of the rule, of the line, span in the line) of the first match of each rule in each line.

        ``seen`` is a view of lines joined by newlines; the raw lines stand at ``starts`` to ``ends``.
        """
        offset = 0
        for line, words in enumerate(seen.text.split("\n")):
            for number, first, last in self._found(words):
                start, end = starts[line], ends[line]
                if first < last:
                    yield number, line, seen.back(offset + first, offset + last).shifted(-start)
                else:  # a pattern that only looks (and takes nothing) speaks of the whole line
                    yield number, line, Span(0, end - start)
            offset += len(words) + 1

    def _found(self, words: str) -> Found:
        """Return what matches in a line: the rules' numbers, each with where it matches."""
        if len(words) > _SHORT:
            return self._searched(words)
        known = self._known.get(words)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[words] = self._searched(words)
        return known

    def _searched(self, words: str) -> Found:
        octets = words.encode("utf-8", "replace")
        spans: dict[int, list[tuple[int, int] | None]] = {}
        for n in sorted(self._filter.Match(octets) or ()):
            number, alternative = self._alternatives[n]
            spans.setdefault(number, []).append(alternative.span(words, octets, filtered=True))
        found = ((number, first_of(octets, some)) for number, some in spans.items())
        return tuple((number, *span) for number, span in found if span is not None)


def line_bounds(lines: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return where lines start and end once they are joined by newlines."""
    ends = [end - 1 for end in accumulate(len(line) + 1 for line in lines)]
    return [end - len(line) for line, end in zip(lines, ends, strict=True)], ends
